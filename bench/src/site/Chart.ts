/**
 * A report as an SVG that can be read on a light and on a dark page: for each tool two bars of time over the ideal, and
 * two of copies, with their figures beside them. Pure.
 */
import type { Report, Result } from "./SiteReport.ts"

interface Bar {
  readonly label: string
  readonly value: number | null
  /** A class in the style below. */
  readonly shade: "strong" | "soft"
}

const width = 960
const left = 130
const panel = 360
const gap = 70
const barHeight = 15
const rowHeight = 2 * barHeight + 16
const top = 104

const style = `
  svg { font: 13px system-ui, sans-serif }
  text { fill: #1f2328 } .faint { fill: #59636e; font-size: 12px } .head { font-weight: 600 } .title { font-size: 18px; font-weight: 600 }
  .page { fill: #ffffff } .strong { fill: #0969da } .soft { fill: #80b3ec } .one { stroke: #59636e; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint { fill: #9198a1 } .page { fill: #0d1117 } .strong { fill: #4493f8 } .soft { fill: #27568f } .one { stroke: #9198a1 }
  }`

export const svg = (report: Report): string => {
  const { results, shape } = report
  const height = top + results.length * rowHeight + 46
  const subtitle =
    `${shape.devices} devices${shape.sites > 1 ? ` at each of ${shape.sites} sites` : ""}, ${size(shape.bytes)}, ` +
    `line ${rate(shape.wan)}${report.delayBy === "none" ? "" : `, round trip ${shape.rttMillis} ms`}, LAN ${rate(shape.lan)}, ` +
    `${shape.staggerMillis === 0 ? "all at once" : `one every ${shape.staggerMillis / 1000} s`}` +
    `${shape.loss > 0 ? `, ${percent(shape.loss)} lost` : ""}${shape.churn > 0 ? `, ${percent(shape.churn)} killed on the way` : ""}` +
    `${shape.service === "up" ? "" : shape.service === "down" ? ", service down" : ", service dies on the way"}`
  const names = results.map((result, i) => {
    const y = top + i * rowHeight + barHeight + 4
    return (
      text(left - 12, y, result.tool, "head", "end") + (result.installed ? "" : text(left, y, "not installed", "faint"))
    )
  })
  const times = results.map((result): ReadonlyArray<Bar> => [
    { label: unfinished(result), value: result.medianOverIdeal, shade: "soft" },
    { label: unfinished(result), value: result.lastOverIdeal, shade: "strong" }
  ])
  const copies = results.map((result): ReadonlyArray<Bar> => [
    { label: "", value: result.originCopies, shade: "soft" },
    { label: "", value: result.wanCopies, shade: "strong" }
  ])
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(`One file to one site: ${subtitle}`)}">`,
    `<style>${style}\n</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    text(20, 30, "One file to all devices of a site", "title"),
    text(20, 52, subtitle, "faint"),
    ...names,
    ...chart(left, "Time over the ideal", "median", "last device", times),
    ...chart(left + panel + gap, "Copies of the file", "from the origin", "over the line", copies),
    text(
      20,
      height - 16,
      `Shorter is better; the dashed lines are at one. Ideal: ${report.idealSeconds.toFixed(1)} s, one copy at the rate of the line. ${report.runs === 1 ? "One run" : `Medians of ${report.runs} runs`}, ${String(report.machine["measuredAt"] ?? "").slice(0, 10)}`,
      "faint"
    ),
    "</svg>\n"
  ].join("\n")
}

const chart = (
  x: number,
  title: string,
  soft: string,
  strong: string,
  rows: ReadonlyArray<ReadonlyArray<Bar>>
): ReadonlyArray<string> => {
  const highest = Math.max(1, ...rows.flat().map(({ value }) => value ?? 0))
  // Room at the end of the longest bar for its figure.
  const long = (value: number) => ((panel - 60) * value) / highest
  const bottom = top + rows.length * rowHeight - 8
  return [
    text(x, 78, title, "head"),
    legend(x + 165, soft, "soft"),
    legend(x + 280, strong, "strong"),
    `<line class="one" x1="${fix(x + long(1))}" x2="${fix(x + long(1))}" y1="${top - 8}" y2="${bottom}"/>`,
    ...rows.flatMap((bars, row) =>
      bars.map(({ label, shade, value }, i) => {
        const y = top + row * rowHeight + i * (barHeight + 2)
        if (value === null) return label === "" || i === 0 ? "" : text(x, y + 2, label, "faint")
        return (
          `<rect class="${shade}" x="${x}" y="${y}" width="${fix(Math.max(1, long(value)))}" height="${barHeight}" rx="2"/>` +
          text(x + long(value) + 6, y + 12, value.toFixed(2), "faint")
        )
      })
    )
  ]
}

const unfinished = (result: Result): string =>
  result.installed ? `not done in time: ${result.verified} of ${result.devices}` : ""

const legend = (x: number, label: string, shade: Bar["shade"]) =>
  `<rect class="${shade}" x="${x}" y="68" width="10" height="10" rx="2"/>${text(x + 15, 78, label, "faint")}`

const text = (x: number, y: number, content: string, className: string, anchor?: "end") =>
  `<text x="${fix(x)}" y="${fix(y)}" class="${className}"${anchor === undefined ? "" : ` text-anchor="${anchor}"`}>${escape(content)}</text>`

const escape = (content: string) =>
  content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const fix = (n: number) => String(Number(n.toFixed(1)))
const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`
const size = (bytes: number) => `${Number((bytes / 1_048_576).toFixed(1))} MiB`
const rate = (bits: number) =>
  bits >= 1e9 ? `${Number((bits / 1e9).toFixed(2))} Gbit/s` : `${Number((bits / 1e6).toFixed(2))} Mbit/s`
