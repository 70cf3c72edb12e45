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

/** "1 file", "2 files". */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`

/** 0.874 → "87.4 %"; "-" where there is none. */
export const share = (part: number | undefined): string => (part === undefined ? "-" : `${(100 * part).toFixed(1)} %`)

/** How long ago, from milliseconds: "12 seconds", "3 hours", "2 days". */
export const span = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  if (seconds < 120) return count(seconds, "second")
  if (seconds < 7200) return count(Math.floor(seconds / 60), "minute")
  return seconds < 172_800 ? count(Math.floor(seconds / 3600), "hour") : count(Math.floor(seconds / 86_400), "day")
}
