/** Numbers for people: bytes in powers of 1024, rates in bits a second, as the commands show them. */

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

/** 1536 → "1.5 KiB". */
export const bytes = (n: number): string => {
  const whole = Math.round(n)
  const power = whole < 1024 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log2(whole) / 10))
  return power === 0 ? `${whole} B` : `${(whole / 1024 ** power).toFixed(1)} ${byteUnits[power]}`
}

const bitUnits = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]

/** Bits a second: 1500000 → "1.5 Mbit/s". */
export const bitRate = (bps: number): string => {
  const power = bps < 1000 ? 0 : Math.min(bitUnits.length - 1, Math.floor(Math.log10(bps) / 3))
  return `${power === 0 ? Math.round(bps) : (bps / 1000 ** power).toFixed(1)} ${bitUnits[power]}`
}

/** Bytes a second, as bits: 125000 → "1.0 Mbit/s". */
export const byteRate = (bytesPerSecond: number): string => bitRate(bytesPerSecond * 8)

/** 12.345 → "12.3 %"; whole from 100 on, and never 100 or 0 what is not quite. */
export const percent = (n: number): string => {
  if (n > 99.9 && n < 100) return "> 99.9 %"
  if (n > 0 && n < 0.1) return "< 0.1 %"
  return `${n === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} %`
}

/** Part of a whole, in percent; of nothing it is 0. */
export const share = (part: number, whole: number): number => (whole === 0 ? 0 : (part / whole) * 100)

/** 12345 → "12,345". */
export const number = (n: number): string => n.toLocaleString("en-US", { maximumFractionDigits: 1 })

/** "1 device", "2,000 devices". */
export const count = (n: number, noun: string): string => `${number(n)} ${noun}${n === 1 ? "" : "s"}`

/** Milliseconds in the largest unit that fits: "4 s", "3 min", "2 h", "5 days". */
export const span = (millis: number): string => {
  if (millis < 1_000) return `${Math.round(millis)} ms`
  if (millis < 60_000) return `${Math.round(millis / 1_000)} s`
  if (millis < 3_600_000) return `${Math.round(millis / 60_000)} min`
  return millis < 172_800_000 ? `${Math.round(millis / 3_600_000)} h` : `${Math.round(millis / 86_400_000)} days`
}

/** "3 min ago". A moment ahead, by another clock, is now. */
export const ago = (moment: number, now: number): string => {
  const millis = now - moment
  return millis < 5_000 ? "just now" : `${span(millis)} ago`
}

/** "2026-01-31" → "31 Jan". */
export const day = (name: string): string =>
  new Date(`${name}T00:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" })

/** Epoch milliseconds in the reader's own time: "2026-01-31 14:05". */
export const moment = (millis: number): string => {
  const at = new Date(millis)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** Epoch milliseconds as a time of the reader's day: "14:05:09". */
export const time = (millis: number): string => {
  const at = new Date(millis)
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

const two = (n: number): string => String(n).padStart(2, "0")
