/** How a figure went, as a line without marks. */
import classes from "./Spark.module.css"

const [width, height] = [96, 28]

export const Spark = ({ label, points }: { readonly points: ReadonlyArray<number>; readonly label: string }) => {
  const most = Math.max(...points, 1)
  const at = (n: number, index: number) =>
    `${((index / Math.max(1, points.length - 1)) * width).toFixed(1)},${(height - 1 - (n / most) * (height - 2)).toFixed(1)}`
  const line = points.map(at).join(" ")
  return (
    <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
      <title>{label}</title>
      <polygon className={classes["under"]} points={`0,${height} ${line} ${width},${height}`} />
      <polyline className={classes["line"]} points={line} />
    </svg>
  )
}
