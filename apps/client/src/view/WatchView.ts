/** A moment of the device as a screen: what comes and goes, from where, which downloads run, and with which peers. Pure. */
import type { Moment } from "@piecework/client/Activity"
import type { FileStatus } from "@piecework/domain/FileStatus"
import * as Amount from "./Amount.ts"
import * as Bar from "./Bar.ts"
import { nameOf } from "./StatusTable.ts"

export interface Scene {
  readonly moment: Moment
  /** Bytes a second at the last moments, the latest last. */
  readonly down: ReadonlyArray<number>
  readonly up: ReadonlyArray<number>
  readonly columns: number
  /** Lines that there is room for; `Infinity` for all. */
  readonly rows: number
  /** How text is set off; the text as it is where there are no colours. */
  readonly style: Style
}

export interface Style {
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
  /** Saved: what no origin had to send. */
  readonly good: (text: string) => string
  readonly bar: (text: string) => string
}

const same = (text: string): string => text
export const plain: Style = { strong: same, faint: same, good: same, bar: same }

const esc = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`
export const coloured: Style = { strong: esc(1), faint: esc(2), good: esc(32), bar: esc(36) }

/** A piece of a line, which counts as long as its text is. */
type Part = readonly [text: string, style?: (text: string) => string]

/** The line, cut where the screen ends. */
const lineOf = (columns: number, parts: ReadonlyArray<Part>): string => {
  let left = columns
  let line = ""
  for (const [text, style = same] of parts) {
    if (left <= 0) break
    const shown = text.length > left ? `${text.slice(0, Math.max(0, left - 1))}…` : text
    left -= shown.length
    line += style(shown)
  }
  return line
}

/** Most cells of a name, of a bar and of a history. */
const named = 32
const barred = 20
const past = 24

export const render = (scene: Scene): ReadonlyArray<string> => {
  const { columns, moment, rows } = scene
  const line = (...parts: ReadonlyArray<Part>) => lineOf(columns, parts)
  const head = headOf(scene, line)
  const downloads = downloadsOf(scene, line)
  const peers = peersOf(scene, line)
  // Downloads come first; peers have what is left, and three lines at least.
  const room = Math.max(0, rows - head.length)
  const forPeers = Math.min(peers.length, Math.max(Math.min(4, peers.length), room - downloads.length))
  const shown = [...head, ...cut(downloads, room - forPeers, line, moment.Downloads.length, "downloads")]
  return [...shown, ...cut(peers, Math.max(0, rows - shown.length), line, peers.length - 2, "peers")].slice(0, rows)
}

type Line = (...parts: ReadonlyArray<Part>) => string

/** Says how many do not fit. */
const cut = (lines: ReadonlyArray<string>, room: number, line: Line, all: number, what: string) => {
  if (lines.length <= room) return lines
  if (room < 3) return lines.slice(0, Math.max(0, room))
  const kept = lines.slice(0, room - 1)
  return [...kept, line([`  … ${Math.max(0, all - (kept.length - 2))} more ${what}`])]
}

const headOf = ({ columns, down, moment, style, up }: Scene, line: Line): ReadonlyArray<string> => {
  const { DownRates, Perf, Received, Sent, UpRates } = moment
  const { faint, good, strong } = style
  const width = Math.min(past, Math.max(8, Math.floor((columns - 60) / 2)))
  const came = Object.values(Received).reduce((sum, bytes) => sum + bytes, 0)
  const gone = Object.values(Sent).reduce((sum, bytes) => sum + bytes, 0)
  const spared = came - Received.Origin
  const share = came === 0 ? "" : ` ${Math.floor((1000 * spared) / came) / 10} % of it not from origins,`
  const sources = kinds
    .filter(([key]) => DownRates[key] > 0)
    .map(([key, name]) => `${name} ${Amount.rate(DownRates[key])}`)
  const targets = peerKinds
    .filter(([key]) => UpRates[key] > 0)
    .map(([key, name]) => `${name} ${Amount.rate(UpRates[key])}`)
  return [
    line(
      ["Piecework", strong],
      [`  ${Amount.count(moment.Downloads.length, "download")}, ${Amount.count(Perf.NumberOfPeers, "peer")}`],
      [
        `   cache ${Amount.bytes(Perf.CacheSizeBytes)}   ${Perf.CpuUsagePct} % CPU   ${Amount.bytes(Perf.MemUsageKB * 1024)}`,
        faint
      ]
    ),
    "",
    line(
      ["  down  ", faint],
      [Amount.rate(Perf.DownlinkUsageBps).padStart(12), strong],
      ["  "],
      [Bar.history(down, width), style.bar],
      [outOf(Perf.DownlinkBps), faint],
      [sources.length === 0 ? "" : `   ${sources.join(", ")}`]
    ),
    line(
      ["  up    ", faint],
      [Amount.rate(Perf.UplinkUsageBps).padStart(12), strong],
      ["  "],
      [Bar.history(up, width), style.bar],
      [outOf(Perf.UplinkBps), faint],
      [targets.length === 0 ? "" : `   to ${targets.join(", ")}`]
    ),
    line(
      ["  since the agent started  ", faint],
      [`${Amount.bytes(came)} down,`],
      [share, good],
      [` ${Amount.bytes(gone)} up`]
    ),
    ""
  ]
}

/** What the line has been seen to carry, where it was. */
const outOf = (bytesPerSecond: number): string => (bytesPerSecond === 0 ? "" : ` of ${Amount.rate(bytesPerSecond)}`)

const kinds = [
  ["Origin", "origin"],
  ["CacheServer", "cache server"],
  ["Lan", "LAN"],
  ["LinkLocal", "link-local"],
  ["Group", "group"],
  ["Internet", "Internet"]
] as const

const peerKinds = [
  ["Lan", "LAN"],
  ["LinkLocal", "link-local"],
  ["Group", "group"],
  ["Internet", "Internet"]
] as const

const downloadsOf = ({ columns, moment, style }: Scene, line: Line): ReadonlyArray<string> => {
  const { Downloads } = moment
  if (Downloads.length === 0) return [line(["  No downloads run.", style.faint]), ""]
  const bar = columns < 110 ? 8 : barred
  // The other columns take 45 cells, and where it came from should have some.
  const name = Math.min(named, Math.max(14, columns - bar - 71))
  return [
    line([
      `  ${"DOWNLOAD".padEnd(name)}  ${"".padEnd(bar)}  ${"DONE".padStart(5)}  ${"SIZE".padStart(10)}  ${"RATE".padStart(11)}  ${"LEFT".padStart(7)}  FROM`,
      style.faint
    ]),
    ...Downloads.map((file) =>
      line(
        [`  ${fit(nameOf(file), name)}  `],
        [Bar.share(shareOf(file), bar), style.bar],
        [
          `  ${(file.BytesRequested === 0 ? "–" : Amount.percent(file.BytesDone, file.BytesRequested)).padStart(5)}`,
          style.strong
        ],
        [`  ${(file.FileSize === 0 ? "–" : Amount.bytes(file.FileSize)).padStart(10)}`],
        [`  ${Amount.rate(file.DownloadRateBytes).padStart(11)}  ${left(file).padStart(7)}  `],
        [from(file)]
      )
    ),
    ""
  ]
}

const shareOf = ({ BytesDone, BytesRequested }: FileStatus): number =>
  BytesRequested === 0 ? 0 : BytesDone / BytesRequested

const left = ({ BytesDone, BytesRequested, DownloadRateBytes }: FileStatus): string =>
  DownloadRateBytes < 1 || BytesRequested <= BytesDone
    ? "–"
    : Amount.seconds(Math.min(359_999, (BytesRequested - BytesDone) / DownloadRateBytes))

/** Where it came from so far, the most first. */
const from = (file: FileStatus): string => {
  const all = file.TotalBytesDownloaded
  const parts = [
    ["origin", file.BytesFromHttp],
    ["cache server", file.BytesFromCacheServer],
    ["LAN", file.BytesFromLanPeers],
    ["link-local", file.BytesFromLinkLocalPeers],
    ["group", file.BytesFromGroupPeers],
    ["Internet", file.BytesFromInternetPeers]
  ] as const
  return parts
    .filter(([, bytes]) => bytes > 0)
    .toSorted((a, b) => b[1] - a[1])
    .map(([name, bytes]) => `${name} ${Math.round((100 * bytes) / all)} %`)
    .join(", ")
}

const peersOf = ({ moment, style }: Scene, line: Line): ReadonlyArray<string> => {
  const all = moment.Peers.flatMap(({ FileId, PeersInfo }) => PeersInfo.map((peer) => ({ ...peer, FileId })))
  if (all.length === 0) return [line(["  No peers are connected.", style.faint])]
  const names = new Map(moment.Downloads.map((file) => [file.FileId, nameOf(file)]))
  const sorted = all.toSorted(
    (a, b) => b.DownloadRateBytes + b.UploadRateBytes - (a.DownloadRateBytes + a.UploadRateBytes)
  )
  const columns = ["DOWN", "UP", "RECEIVED", "SENT"].map((title) => title.padStart(11)).join("  ")
  return [
    line([`  ${"PEER".padEnd(24)}  ${"TYPE".padEnd(9)}  ${columns}  FILE`, style.faint]),
    ...sorted.map((peer) =>
      line(
        [`  ${fit(peer.IP, 24)}  ${peer.PeerType.padEnd(9)}  `],
        [Amount.rate(peer.DownloadRateBytes).padStart(11), peer.DownloadRateBytes > 0 ? style.strong : style.faint],
        ["  "],
        [Amount.rate(peer.UploadRateBytes).padStart(11), peer.UploadRateBytes > 0 ? style.strong : style.faint],
        [`  ${Amount.bytes(peer.BytesReceived).padStart(11)}  ${Amount.bytes(peer.BytesSent).padStart(11)}`],
        [`  ${names.get(peer.FileId) ?? nameOf({ FileId: peer.FileId, SourceURL: "" })}`, style.faint]
      )
    )
  ]
}

const fit = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
