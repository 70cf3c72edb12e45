/**
 * Why a download went as it did, out of its ledger: the answer in a line or two, then each decision with its reason. Pure: whoever shows it
 * says what is so now.
 */
import * as Amount from "@piecework/domain/Amount"
import { numbers } from "@piecework/domain/DownloadMode"
import { isPeer, SourceKind, total } from "@piecework/domain/SourceKind"
import * as Answer from "./Answer.ts"
import type { Ledger, Party } from "./Ledger.ts"
import * as Look from "./Look.ts"
import * as ModeWords from "./ModeWords.ts"

export interface Circumstances {
  /** The download goes on now. */
  readonly isRunning: boolean
  /** Whether an agent of this device tells others of the content, and among how many that wait for their turn; absent where none runs. */
  readonly offer?: { readonly why: "Asked" | "Turn" | "Waiting"; readonly waiting: number } | undefined
  /** A moment, in epoch milliseconds, as people write it. */
  readonly time: (at: number) => string
}

export interface Section {
  readonly title: "Download" | "Mode" | "Group" | "Peers" | "HTTP" | "Cache" | "Pieces" | "Waste" | "Limits"
  readonly lines: ReadonlyArray<string>
}

export interface Explanation {
  /** What a person needs to know. */
  readonly answer: string
  readonly sections: ReadonlyArray<Section>
}

export const of = (ledger: Ledger, now: Circumstances): Explanation => ({
  answer: Answer.of(ledger, now),
  sections: (
    [
      { title: "Download", lines: download(ledger, now) },
      { title: "Mode", lines: mode(ledger) },
      { title: "Group", lines: group(ledger) },
      { title: "Peers", lines: peers(ledger, now) },
      { title: "HTTP", lines: http(ledger) },
      { title: "Cache", lines: cache(ledger) },
      { title: "Pieces", lines: pieces(ledger) },
      { title: "Waste", lines: waste(ledger) },
      { title: "Limits", lines: limits(ledger) }
    ] satisfies ReadonlyArray<Section>
  ).filter(({ lines }) => lines.length > 0)
})

/** For people: the answer first. */
export const render = ({ answer, sections }: Explanation): string =>
  [answer, ...sections.map(({ lines, title }) => [title, ...lines.map((line) => `  ${line}`)].join("\n"))].join("\n\n")

const doors: { readonly [door: string]: string } = {
  get: "piecework get",
  job: "a job of the agent",
  proxy: "the agent's proxy",
  open: "a program that reads it over the agent's socket"
}

const download = (ledger: Ledger, now: Circumstances): ReadonlyArray<string> => {
  const { began, caller, contentId, door, end, fileBytes, job, path, priority, url } = ledger
  const named = [...(caller === undefined ? [] : [`"${caller}"`]), ...(job === undefined ? [] : [job])]
  const whole = fileBytes === undefined ? "" : `, ${Amount.bytes(fileBytes)}`
  const ended =
    end === undefined
      ? now.isRunning
        ? "; it goes on"
        : "; its end is not known"
      : `; ${{ Done: "done", Failed: "failed", Stopped: "stopped" }[end.outcome]} after ${Look.span(end.at)}`
  return [
    `${url}${whole}`,
    ...(path === undefined ? [] : [`to ${path}`]),
    `asked for by ${doors[door] ?? door}${named.length === 0 ? "" : ` (${named.join(", ")})`}, in the ${priority.toLowerCase()}, process ${ledger.pid}`,
    `begun on ${now.time(began)}${ended}`,
    ...(contentId === undefined ? [] : [contentId]),
    ...route(ledger),
    ...Look.all(ledger, "Resumed").map(({ bytes }) => `${Amount.bytes(bytes)} were here already`),
    ...Look.all(ledger, "InTurn").map((entry) => `waited for another download of the same content ${Look.at(entry.at)}`)
  ]
}

/** Whether it went through Piecework's own way, or just over HTTP. */
const route = (ledger: Ledger): ReadonlyArray<string> => {
  const settled = Look.last(ledger, "Mode")
  if (settled === undefined) return []
  return [
    settled.mode === "Simple"
      ? "over plain HTTP: it did not go through a swarm, and no service vouched for its bytes"
      : "through its swarm: each piece was checked against its published hash"
  ]
}

const mode = (ledger: Ledger): ReadonlyArray<string> => [
  `${ledger.mode} (${numbers[ledger.mode]}) at its beginning; ${Look.settingIs(ledger, "DODownloadMode")}`,
  ...Look.all(ledger, "Mode").map(
    (entry) =>
      `${entry.mode} (${numbers[entry.mode]}) was taken ${Look.at(entry.at)}: ${Look.sourced(ledger, ModeWords.because(entry))}`
  )
]

const group = (ledger: Ledger): ReadonlyArray<string> => [
  ...Look.all(ledger, "Group").map(({ id, setting }) => `${id}; ${Look.settingIs(ledger, setting)}`),
  ...Look.all(ledger, "Seen").map(
    ({ externalIp }) => `the service sees this device at ${externalIp}; devices that it sees there are a site`
  )
]

/** Peers that have a line of their own. */
const mostLines = 12

const peers = (ledger: Ledger, now: Circumstances): ReadonlyArray<string> => {
  const all = Look.peersIn(ledger)
  const ranked = all.toSorted((a, b) => weight(b) - weight(a))
  return [
    ...(Look.last(ledger, "Mode") === undefined || Look.ofPeers(ledger) > 0
      ? []
      : [`none gave anything: ${Answer.withoutPeers(ledger)}`]),
    ...Look.all(ledger, "Asked").map((entry) => {
      const detail = entry.detail === undefined ? "" : ` (${entry.detail.replace(/\.$/, "")})`
      return `the ${entry.role} service ${entry.answer === "Answered" ? "answered" : `failed: ${entry.answer}`}${detail} ${Look.at(entry.at)}${Look.times(entry)}`
    }),
    ...Look.all(ledger, "Offered").map(
      (entry) =>
        `${Amount.count(entry.peers, "peer")} named by the ${entry.from === "Service" ? "service" : "local network"} ${Look.at(entry.at)}${Look.times(entry)}`
    ),
    ...(all.length === 0
      ? []
      : [
          `${Amount.count(all.length, "peer")} in all, ${Amount.count(ledger.figures.connections, "session")}, ${ledger.figures.peers} at once at most`
        ]),
    ...ranked.slice(0, mostLines).map(peer),
    ...(ranked.length > mostLines ? [`and ${ranked.length - mostLines} more`] : []),
    ...Look.all(ledger, "Permission").flatMap((entry, n) => permission(ledger, entry, n > 0)),
    ...(now.offer === undefined ? [] : [offerWords[now.offer.why]])
  ]
}

const offerWords = {
  Asked: "other devices are told that this one has it, since it was asked for within the hour",
  Turn: "other devices are told that this one has it: it has its turn",
  Waiting: "other devices are not told that this one has it: it waits for its turn"
} as const

const weight = ({ bad = 0, brought = 0, dials = 0, sessions = 0 }: Party): number =>
  bad * 1e6 + brought * 100 + sessions * 10 + dials

const peer = (party: Party): string => {
  const parts = [
    ...(party.dials === undefined ? [] : [`dialled ${Amount.count(party.dials, "time")}`]),
    ...tally(party.refused).map((text) => `not connected: ${text}`),
    ...(party.sessions === undefined ? [] : [`connected${party.sessions > 1 ? ` ${party.sessions} times` : ""}`]),
    ...(party.brought === undefined ? [] : [`brought ${Amount.count(party.brought, "piece")}`]),
    ...(party.bad === undefined ? [] : [`${Amount.count(party.bad, "bad piece")}`]),
    ...(party.banned === true ? ["banned"] : []),
    ...tally(party.failed).map((text) => `failed: ${text}`),
    ...tally(party.left).map((text) => `left: ${text}`)
  ]
  return `${Look.nameOf(party)} (${party.kind}): ${parts.length === 0 ? "named, not dialled" : parts.join(", ")}`
}

const tally = (counts: Readonly<Record<string, number>> | undefined): ReadonlyArray<string> =>
  counts === undefined || Object.keys(counts).length === 0
    ? []
    : [
        Object.entries(counts)
          .map(([reason, n]) => (n === 1 ? reason : `${n} × ${reason}`))
          .join(", ")
      ]

const permission = (
  ledger: Ledger,
  { at, far, near, peering }: Look.Of<"Permission">,
  isChange: boolean
): ReadonlyArray<string> => {
  const when = Look.at(at)
  const unless = (what: string, reasons: typeof peering) =>
    reasons.length === 0 ? [] : [`${what} ${when}: ${Look.verdict(ledger, reasons)}`]
  const told = [
    ...unless("no peers", peering),
    ...unless("nothing sent to near peers", near),
    ...(ledger.mode === "Internet" ? unless("nothing sent to Internet peers", far) : [])
  ]
  return told.length === 0 && isChange ? [`peers allowed ${when}`] : told
}

const http = (ledger: Ledger): ReadonlyArray<string> => [
  ...Look.all(ledger, "HttpHeld").map(
    ({ at, settings, until }) =>
      `held back ${Look.at(at)}, ${until === null ? "for good" : `until ${Look.span(until)} after the start`}: ${Look.list(settings.map((name) => Look.settingIs(ledger, name)))}`
  ),
  ...Look.all(ledger, "HttpAllowed").map(({ at, why }) => `allowed ${Look.at(at)}: ${allowed[why]}`),
  ...Look.all(ledger, "Floor").map(({ at, rate }) =>
    rate === null
      ? `no least rate any more ${Look.at(at)}`
      : `below ${Amount.rate(rate)} the origin makes up for what others do not bring ${Look.at(at)}`
  ),
  ...Look.all(ledger, "Leases").map(
    (entry) =>
      `${leases[entry.state]} ${Look.at(entry.at)}${entry.detail === undefined ? "" : ` (${entry.detail.replace(/\.$/, "")})`}${Look.times(entry)}`
  ),
  ...Look.all(ledger, "WholeFiles").map(({ at, source }) => `${source} sends whole files only, noticed ${Look.at(at)}`),
  ...Look.all(ledger, "Again").map(({ at, why }) => `begun again ${Look.at(at)}: ${again[why]}`),
  ...Look.all(ledger, "Failure").map(
    (entry) => `${entry.source} failed ${Look.at(entry.at)}: ${entry.detail ?? entry.reason}${Look.times(entry)}`
  )
]

const allowed = {
  NoDelay: "no setting keeps it back",
  DelayOver: "its time had come",
  Changed: "the settings changed, or there is no cache server any more"
} as const

const leases = {
  Given: "the service gave leases: only what is leased is asked of the origin",
  Without: "without leases, it went ahead by itself",
  Lost: "leases were lost, it went ahead by itself"
} as const

const again = {
  ContentChanged: "the file at the origin had become another one",
  BadPieces: "the bytes of a cache server were not the published ones",
  NextUrl: "the origin was gone, and the next URL was tried"
} as const

const cache = (ledger: Ledger): ReadonlyArray<string> =>
  Look.all(ledger, "Cache").map((entry) => `${Look.sourced(ledger, entry.sentence)} (${Look.at(entry.at).slice(3)})`)

const pieces = (ledger: Ledger): ReadonlyArray<string> => {
  const { received, useful } = ledger.figures
  const whole = total(useful)
  const bytes = SourceKind.literals
    .filter((kind) => useful[kind] > 0 || received[kind] > 0)
    .map((kind) => `${Amount.bytes(useful[kind])} (${Amount.percent(useful[kind], whole)}) from ${Look.ofKind(kind)}`)
  const sums = ledger.pieces?.sums ?? []
  const reasons = sums.slice(0, mostLines).map(({ pieces: n, reason, source }) => {
    const party = ledger.parties[source]
    const who = party === undefined ? "others" : Look.nameOf(party)
    return `${Amount.count(n, "piece")} from ${who}: ${reasonWords(reason, party?.kind)}`
  })
  return [...bytes, ...reasons, ...(sums.length > mostLines ? [`and ${sums.length - mostLines} more lines`] : [])]
}

const reasonWords = (reason: string, kind: SourceKind | undefined): string => {
  if (reason === "Found") return "there already"
  if (reason === "Before") return "asked of another since"
  return (kind !== undefined && isPeer(kind) ? peerWords[reason] : Answer.originWords[reason]) ?? reason
}

const peerWords: { readonly [reason: string]: string | undefined } = {
  OnlySource: "no other source was there",
  Reading: "somebody read just those pieces",
  ReaderWaits: "a reader waited for them",
  Rarest: "of what it holds, those that fewest neighbours hold",
  Steal: "it was far faster than who had been asked",
  Endgame: "the last pieces took too long elsewhere",
  OthersShare: "nobody near held those pieces",
  OwnShare: "nobody near held those pieces"
}

const waste = (ledger: Ledger): ReadonlyArray<string> => {
  const { received, useful, waste: wasted } = ledger.figures
  if (Look.wasted(ledger) === 0) return []
  const ofKinds = SourceKind.literals
    .filter((kind) => received[kind] > useful[kind])
    .map((kind) => `${Amount.bytes(received[kind] - useful[kind])} from ${Look.ofKind(kind)}`)
  const parties = ledger.parties.flatMap((party) => {
    const parts = [
      ...(party.bad === undefined ? [] : [Amount.count(party.bad, "bad piece")]),
      ...(party.duplicate === undefined ? [] : [`${Amount.count(party.duplicate, "piece")} that others brought first`]),
      ...tally(party.cancelled).map((text) => `taken back: ${text}`)
    ]
    return parts.length === 0 ? [] : [`${Look.nameOf(party)}: ${parts.join(", ")}`]
  })
  const unsettled = ledger.end === undefined ? ", and pieces that are under way" : ""
  return [
    `${Amount.bytes(wasted.bad)} bad, ${Amount.bytes(wasted.duplicate)} a second time, ${Amount.bytes(wasted.cancelled)} of what was given up${unsettled}`,
    ...ofKinds,
    ...parties.slice(0, mostLines)
  ]
}

const limits = (ledger: Ledger): ReadonlyArray<string> => [
  ...Look.all(ledger, "Limit").map(
    (entry) =>
      `${Amount.rate(entry.rate)} ${Look.at(entry.at)}${Look.times(entry)}: ${entry.setting === undefined ? "it gave way to a foreground download" : Look.settingIs(ledger, entry.setting)}`
  ),
  ...Look.all(ledger, "Changed").map(({ at, settings }) => `changed ${Look.at(at)}: ${settings.join(", ")}`),
  ...said(ledger)
]

/** What somebody said of this device, defaults left out. */
const said = (ledger: Ledger): ReadonlyArray<string> =>
  ledger.settings.filter(({ provider }) => provider !== "Default").map(({ name }) => Look.settingIs(ledger, name))
