/** Numbers as people read them. Decimal units throughout, because lines are sold in Mbit/s. */

/** 121_300_000 → "121.3 MB". */
export const bytes = (n: number): string => {
  const [scale, unit] = n >= 1e9 ? [1e9, "GB"] : n >= 1e6 ? [1e6, "MB"] : n >= 1e3 ? [1e3, "kB"] : [1, "B"]
  return `${(n / scale).toFixed(scale === 1 ? 0 : scale === 1e9 ? 2 : 1)} ${unit}`
}

/** "11.9 s", "2 min 5 s". */
export const seconds = (s: number): string =>
  s < 100 ? `${s.toFixed(1)} s` : `${Math.floor(Math.round(s) / 60)} min ${Math.round(s) % 60} s`

/** Part of a whole; nothing of nothing is 0 %. */
export const percent = (part: number, whole: number, digits = 0): string =>
  `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(digits)} %`

/** A number without the digits that mean nothing. */
export const round = (n: number, digits: number): number => Number(n.toFixed(digits))
