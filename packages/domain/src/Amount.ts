/** Numbers as people read them. */

/** 1536 → "1.5 KiB". */
export const bytes = (n: number): string => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"]
  let unit = 0
  let value = n
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`
}

/** "1 peer", "2 peers". */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`

export const rate = (bytesPerSecond: number): string => `${bytes(Math.round(bytesPerSecond))}/s`

/** 75 → "1:15", 3700 → "1:01:40". */
export const seconds = (s: number): string => {
  const whole = Math.max(0, Math.round(s))
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const shown = parts[0] === 0 ? parts.slice(1) : parts
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":")
}

const spans = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1]
] as const

/** A span as a sentence has it: 259200 → "3 days", 5400 → "1 hour 30 minutes"; whole seconds. */
export const span = (s: number): string => {
  let rest = Math.max(0, Math.round(s))
  const parts = spans.flatMap(([noun, length]) => {
    const n = Math.floor(rest / length)
    rest -= n * length
    return n === 0 ? [] : [count(n, noun)]
  })
  return parts.length === 0 ? "0 seconds" : parts.join(" ")
}

export const percent = (part: number, whole: number): string =>
  whole === 0 ? "100 %" : `${Math.min(100, (100 * part) / whole).toFixed(0)} %`
