/** Something to tell the person at the keyboard, without a stack. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
