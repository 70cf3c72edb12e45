/** A report as a table for people. */
import { ByteSize } from "effect"
import type { Report, Spread } from "./Report.ts"

export const render = (report: Report): ReadonlyArray<string> => {
  const { bytes, commands, copies, scene } = report
  const counts = (by: Readonly<Record<string, number>>, text: (n: number) => string) =>
    Object.entries(by)
      .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .map(([name, n]) => row(`  ${name}`, text(n)))
  const times =
    report.seconds === null || report.overIdeal === null
      ? [row("finished", `${report.complete} of ${report.devices} devices`)]
      : spread("finished", report.seconds, report.overIdeal)
  return [
    `${scene.sites} × ${scene.devices} devices, ${size(scene.bytes)}, ${rate(scene.wan)} a site, ${rate(scene.lan)} a device`,
    "",
    row("one copy over the line", seconds(report.idealSeconds)),
    ...times,
    row("line's last byte", `${report.lineEndedOverIdeal.last.toFixed(3)} × ideal`),
    row("copies over a site's line", `${copies.median.toFixed(4)} in the median, ${copies.most.toFixed(4)} at most`),
    "",
    row("from the origin", size(bytes.fromOrigin)),
    row("from the same site", size(bytes.fromSite)),
    ...(bytes.fromOtherSites > 0 ? [row("from other sites", size(bytes.fromOtherSites))] : []),
    row("wasted", `${size(bytes.wasted)}, ${percent(bytes.wastedShare)} of all`),
    ...counts(bytes.wastedBy, size),
    "",
    row("events", report.events.toLocaleString("en")),
    row("asks for leases", report.leaseAsks.toLocaleString("en")),
    row("commands decided", commands.total.toLocaleString("en")),
    ...counts(commands.by, (n) => n.toLocaleString("en"))
  ]
}

const spread = (name: string, absolute: Spread, over: Spread): ReadonlyArray<string> =>
  (
    [
      ["median", "median"],
      ["p95", "95 %"],
      ["last", "last"]
    ] as const
  ).map(([at, what]) => row(`${name}, ${what}`, `${seconds(absolute[at])}, ${over[at].toFixed(3)} × ideal`))

const row = (name: string, value: string): string => `${name.padEnd(28)}${value}`

const seconds = (n: number): string => `${n.toFixed(1)} s`

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`

const size = (bytes: number): string => ByteSize.format(ByteSize.bytes(bytes))

const rate = (bits: number): string => (bits >= 1e9 ? `${bits / 1e9} Gbit/s` : `${bits / 1e6} Mbit/s`)
