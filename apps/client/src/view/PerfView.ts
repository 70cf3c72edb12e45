/** How the device does, for people. */
import { fromNumber } from "@piecework/domain/DownloadMode"
import type { PerfMonth } from "@piecework/domain/PerfMonth"
import type { PerfSnap } from "@piecework/domain/PerfSnap"
import { percentOf } from "@piecework/download/Status"
import { modeName } from "../command/options.ts"
import * as Amount from "./Amount.ts"
import * as Bar from "./Bar.ts"
import * as Table from "./Table.ts"

/** Cells of a bar. */
const wide = 24
/** Cells of what stands before a value. */
const label = 13

const row = (name: string, ...parts: ReadonlyArray<string>): string =>
  `  ${name.padEnd(label)} ${parts.filter((part) => part !== "").join("   ")}`.trimEnd()

export const snap = (
  self: PerfSnap,
  { hasAgent, isVerbose }: { readonly hasAgent: boolean; readonly isVerbose: boolean }
): string => {
  const kept = [
    row("Downloaded", filesOf(self.TotalBytesDownloaded, self.FilesDownloaded, "in", self.AverageDownloadSize)),
    row("Sent", filesOf(self.TotalBytesUploaded, self.FilesUploaded, "of", self.AverageUploadSize)),
    row("From peers", percentBar(self.PercentPeerCaching)),
    row(
      "Cache",
      `${Amount.bytes(self.CacheSizeBytes)} of ${Amount.count(self.Files, "known file")}`,
      self.TotalDiskBytes === 0
        ? ""
        : `disk ${Amount.bytes(self.TotalDiskBytes)}, ${Amount.bytes(self.AvailableDiskBytes)} free`
    )
  ]
  const mode = fromNumber(self.DownloadMode)
  const set = [
    row("Mode", mode === undefined ? String(self.DownloadMode) : modeName(mode)),
    row(
      "Limits",
      `foreground ${self.ForegroundDownloadRatePct} %`,
      `background ${self.BackgroundDownloadRatePct} %`,
      `upload ${self.UploadRatePct} % of the line`
    )
  ]
  const live = hasAgent
    ? [
        row("Running", running(self)),
        row("Connections", connections(self)),
        row("Downlink", usage(self.DownlinkUsageBps, self.DownlinkBps)),
        row("Uplink", usage(self.UplinkUsageBps, self.UplinkBps)),
        row("Agent", `${self.CpuUsagePct} % of a core`, `${Amount.bytes(self.MemUsageKB * 1024)} of memory`)
      ]
    : [
        row("Downlink", line(self.DownlinkBps)),
        row("Uplink", line(self.UplinkBps)),
        "",
        "No agent runs on this folder, so nothing is said of connections and rates."
      ]
  const more = isVerbose
    ? ["", sources(ofSnap(self)), "", row("Wasted", Amount.bytes(self.BytesWasted)), meanPeers(self)]
    : []
  return [...kept, "", ...set, ...live, ...more].join("\n")
}

export const month = (self: PerfMonth): string => {
  const began = new Date(self.MonthStartDate)
  const name = `${names[began.getMonth()] ?? ""} ${began.getFullYear()}`
  const cap = self.MonthlyUploadRestriction
  const internet = Amount.bytes(self.UploadInternetBytes)
  return [
    `${name}, ${Amount.count(self.FilesDownloaded, "file")} downloaded`,
    "",
    sources(ofMonth(self)),
    "",
    row("Mean rates", `foreground ${bits(self.DownloadFgRateKbps)}`, `background ${bits(self.DownloadBgRateKbps)}`),
    row(
      "Upload limit",
      cap === 0
        ? `none for Internet peers, who got ${internet}`
        : `${internet} of ${Amount.bytes(cap)} for Internet peers`,
      self.UploadLimitReached ? "reached: they get nothing more this month" : ""
    )
  ].join("\n")
}

const names = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December"
]

/** Kilobits of 1024 bits a second, as lines are measured. */
const bits = (kilobits: number): string =>
  kilobits === 0 ? "–" : kilobits < 1024 ? `${kilobits.toFixed(0)} kbit/s` : `${(kilobits / 1024).toFixed(1)} Mbit/s`

const filesOf = (bytes: number, files: number, word: string, mean: number): string =>
  files === 0
    ? "nothing"
    : `${Amount.bytes(bytes)} ${word} ${Amount.count(files, "file")}${files > 1 ? `, ${Amount.bytes(mean)} each` : ""}`

const percentBar = (percent: number): string => `${Bar.share(percent / 100, wide)} ${percent} %`

const usage = (now: number, most: number): string =>
  most === 0
    ? `${Amount.rate(now)}   what the line carries is not known yet`
    : `${Bar.share(now / most, wide)} ${Amount.rate(now)} of ${Amount.rate(most)}`

const line = (most: number): string =>
  most === 0 ? "what the line carries is not known yet" : `up to ${Amount.rate(most)} were seen`

const of = (count: number, pending: number, name: string): ReadonlyArray<string> =>
  count === 0 ? [] : [`${count} ${name}${pending === 0 ? "" : ` (${pending} waiting)`}`]

const running = (self: PerfSnap): string => {
  const all = [
    ...of(self.ForegroundDownloadCount, self.ForegroundDownloadsPending, "in the foreground"),
    ...of(self.BackgroundDownloadCount, self.BackgroundDownloadsPending, "in the background")
  ]
  const downloads = all.length === 0 ? "no downloads" : all.join(", ")
  return `${downloads}; ${self.UploadCount === 0 ? "no uploads" : Amount.count(self.UploadCount, "upload")}`
}

const connections = (self: PerfSnap): string => {
  const all = [
    [self.CdnConnections, "to origins"],
    [self.CacheHostConnections, "to cache servers"],
    [self.LanConnections, "LAN"],
    [self.LinkLocalConnections, "link-local"],
    [self.GroupConnections, "group"],
    [self.InternetConnections, "Internet"]
  ] as const
  const some = all.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`)
  return some.length === 0 ? "none" : `${some.join(", ")}; ${Amount.count(self.NumberOfPeers, "peer")}`
}

const meanPeers = (self: PerfSnap): string =>
  row("Peers", `${self.AveragePeerConnections} at a time, the mean while this month's downloads ran`)

/** Bytes down and up; `undefined` for what nothing is sent to. */
type Source = readonly [name: string, down: number, up: number | undefined]

const sources = (all: ReadonlyArray<Source>): string => {
  const down = all.reduce((sum, one) => sum + one[1], 0)
  const up = all.reduce((sum, one) => sum + (one[2] ?? 0), 0)
  const shown: ReadonlyArray<Source> = [...all, ["all", down, up]]
  const rows = shown.map(([name, bytes, sent], n) => [
    `  ${name}`,
    Amount.bytes(bytes),
    down === 0 ? "–" : `${percentOf(bytes, down).toFixed(1)} %`,
    n === shown.length - 1 || down === 0 ? "" : Bar.share(bytes / down, wide),
    sent === undefined ? "–" : Amount.bytes(sent)
  ])
  return Table.render(["  SOURCE", "DOWN", "SHARE", "", "UP"], rows, new Set(["DOWN", "SHARE", "UP"]))
}

const ofSnap = (self: PerfSnap): ReadonlyArray<Source> => [
  ["origin", self.BytesFromHttp, undefined],
  ["cache server", self.BytesFromCacheServer, undefined],
  ["LAN peers", self.BytesFromLanPeers, self.BytesToLanPeers],
  ["link-local peers", self.BytesFromLinkLocalPeers, self.BytesToLinkLocalPeers],
  ["group peers", self.BytesFromGroupPeers, self.BytesToGroupPeers],
  ["Internet peers", self.BytesFromInternetPeers, self.BytesToInternetPeers]
]

const ofMonth = (self: PerfMonth): ReadonlyArray<Source> => [
  ["origin", self.DownloadHttpBytes, undefined],
  ["cache server", self.DownloadCacheHostBytes, undefined],
  ["LAN peers", self.DownloadLanBytes, self.UploadLanBytes],
  ["link-local peers", self.DownloadLinkLocalBytes, self.UploadLinkLocalBytes],
  ["group peers", self.DownloadGroupBytes, self.UploadGroupBytes],
  ["Internet peers", self.DownloadInternetBytes, self.UploadInternetBytes]
]
