/** Numbers for people. */

/** 1536 → "1.5 KiB". */
export const bytes = (n: number): string => {
  const whole = Math.round(n)
  const power = whole < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(whole) / 10))
  return power === 0 ? `${whole} B` : `${(whole / 1024 ** power).toFixed(1)} ${units[power]}`
}

/** "1 piece", "2 pieces". */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
