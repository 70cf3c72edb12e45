/** Points in time as people write and read them: by the clock of this device. Programs get ISO 8601 in UTC. */

/** Epoch milliseconds → "2027-01-31 18:00". */
export const minute = (at: number): string => {
  const date = new Date(at)
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(padded).join("-")
  return `${day} ${[date.getHours(), date.getMinutes()].map(padded).join(":")}`
}

/** Epoch milliseconds; `undefined` for what is no date. A date alone is its midnight here, where JavaScript takes that of UTC. */
export const parse = (text: string): number | undefined => {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text.trim())
  const at = Date.parse(isDate ? `${text.trim()}T00:00` : text)
  return Number.isNaN(at) ? undefined : at
}

const padded = (n: number): string => String(n).padStart(2, "0")
