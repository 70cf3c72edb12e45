/** Shares and histories as people see them at a glance. */

/** A share from 0 to 1 as a bar of so many cells. */
export const share = (part: number, width: number): string => {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width)
  return "█".repeat(filled) + "░".repeat(width - filled)
}

const steps = "▁▂▃▄▅▆▇█"

/** The last values as one cell each, the highest of them full; what is nothing is the lowest step. */
export const history = (values: ReadonlyArray<number>, width: number): string => {
  const shown = values.slice(-width)
  const most = Math.max(...shown, 1)
  const cells = shown.map((value) => steps[Math.min(steps.length - 1, Math.round((value / most) * (steps.length - 1)))])
  return cells.join("").padStart(width, steps[0])
}
