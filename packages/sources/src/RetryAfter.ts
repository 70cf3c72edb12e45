/** How long a server wants to be left alone. Source: RFC 9110, section 10.2.3. */

/** No server is obeyed for longer, in milliseconds: ten minutes, so that one wrong answer does not stop a device for a day. */
export const longest = 600_000

/**
 * Milliseconds from now, of the value of `Retry-After`: seconds, or a date, which counts from the server's own `Date` if it gave one,
 * since its clock and ours may differ. `undefined` for what is neither. `now` in epoch milliseconds.
 */
export const parse = (value: string | undefined, date: string | undefined, now: number): number | undefined => {
  if (value === undefined) return undefined
  if (/^\d{1,12}$/.test(value)) return Math.min(longest, Number(value) * 1000)
  const at = moment(value)
  if (at === undefined) return undefined
  return Math.min(longest, Math.max(0, at - (moment(date) ?? now)))
}

/** Source: RFC 9110, section 5.6.7; of the old forms none is sent any more. */
const imf =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/

const moment = (text: string | undefined): number | undefined => {
  const millis = text !== undefined && imf.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(millis) ? undefined : millis
}
