/** A copy of a string that does not keep the buffer alive which it was cut from. */
export function own(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}
