/** DESIGN §5: strings that stay. */

/**
 * The same text in memory of its own. A part of a string keeps the whole of it alive, and strings from the network are
 * parts of chunks of many kilobytes: what outlives the turn goes through here.
 */
export function own(text: string): string {
  // V8 copies shorter parts anyway. Of longer ones it has to make one flat string before it can cut it.
  return text.length < 13 ? text : ` ${text}`.slice(1)
}
