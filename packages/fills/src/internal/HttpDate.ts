/** Dates in headers. Source: RFC 9110, section 5.6.7; of the old forms none is sent any more. */

const form =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** Epoch milliseconds; `undefined` for what is no date. */
export const parse = (text: string | undefined): number | undefined => {
  const millis = text !== undefined && form.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(millis) ? undefined : millis
}
