/** Where the marks of an axis are: at whole numbers of a unit, so that they can be read. */

/** 1, 2 or 5 times a power of ten, at least `least`. */
const round = (least: number): number => {
  const power = 10 ** Math.floor(Math.log10(least))
  return power * ([1, 2, 5].find((n) => n * power >= least) ?? 10)
}

/** From 0 to beyond `most`, about `count` steps of whole KiB, MiB, GiB, … */
export const byteMarks = (most: number, count = 4): ReadonlyArray<number> => {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(1, most)) / 10))
  return marks(most / unit, count).map((n) => n * unit)
}

/** The same for what is counted in tens. */
export const marks = (most: number, count = 4): ReadonlyArray<number> => {
  if (!(most > 0)) return [0, 1]
  const step = round(most / count)
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, n) => n * step)
}
