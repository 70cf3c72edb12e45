/** Numbers for people. */

/** Bytes with three digits and a binary unit, as "1.50 GiB". */
export const bytes = (n: number): string => {
  const power = n < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n * 1.024) / 10))
  const amount = n / 1024 ** power
  const digits = power === 0 || amount >= 100 ? 0 : amount >= 10 ? 1 : 2
  return `${amount.toFixed(digits)} ${units[power]}`
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
