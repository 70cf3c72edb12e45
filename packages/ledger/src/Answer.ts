/** The one line that a person needs of a download: what became of it, whether peers gave anything and why not, and what it cost in vain. */
import * as Amount from "@piecework/domain/Amount"
import { numbers, usesPeers } from "@piecework/domain/DownloadMode"
import { SourceKind } from "@piecework/domain/SourceKind"
import { mebibyte } from "@piecework/policy/Units"
import type { Ledger } from "./Ledger.ts"
import type { Circumstances } from "./Explanation.ts"
import * as Look from "./Look.ts"
import * as ModeWords from "./ModeWords.ts"

export const of = (ledger: Ledger, now: Circumstances): string =>
  [became(ledger, now), ...asides(ledger, now)].filter((sentence) => sentence !== "").join(" ")

/** What became of it. */
const became = (ledger: Ledger, now: Circumstances): string => {
  const { end } = ledger
  if (end?.outcome === "Failed") return failed(ledger)
  if (end?.outcome === "Stopped") {
    return `It was stopped after ${Look.span(end.at)}, ${soFar(ledger)}; what was fetched is kept. ${sources(ledger)}`
  }
  if (end !== undefined) return sources(ledger)
  if (now.isRunning) return `It goes on, ${soFar(ledger)}. ${waiting(ledger) ?? sources(ledger)}`
  return `The program that downloaded it (process ${ledger.pid}) ended without a word after ${Look.span(ledger.at)} or later, ${soFar(ledger)}: it was killed, or the machine went down. What was fetched is kept. ${sources(ledger)}`
}

const failed = (ledger: Ledger): string => {
  const { end, mode } = ledger
  const code = end?.code === undefined ? "" : ` (0x${end.code.toString(16).toUpperCase()})`
  const sentence = (end?.sentence ?? "Nobody said why.").replace(/\.$/, "")
  // Only the setting says where that came from.
  const who = mode === "Bypass" ? `: ${Look.settingIs(ledger, "DODownloadMode")}` : ""
  const shown = code !== "" && sentence.toUpperCase().includes(code.slice(2, -1).toUpperCase()) ? "" : code
  const at = end?.at ?? ledger.at
  const when = at < 1000 ? "at once" : `after ${Look.span(at)}`
  const had = ledger.fileBytes === undefined ? "" : `, ${soFar(ledger)}`
  return `It failed ${when}${shown}${had}: ${sentence}${who}.`
}

const soFar = ({ fileBytes, heldBytes, requestedBytes }: Ledger): string => {
  const whole = requestedBytes ?? fileBytes
  if (whole === undefined) return "before anybody said how long the file is"
  return `with ${Amount.percent(heldBytes, whole)} of ${Amount.bytes(whole)}`
}

/** What it waits for now. */
const waiting = (ledger: Ledger): string | undefined => {
  const held = Look.last(ledger, "HttpHeld")
  const allowed = Look.last(ledger, "HttpAllowed")
  const isHeld = held !== undefined && (allowed === undefined || allowed.at < held.at)
  if (isHeld && ledger.figures.peers === 0) {
    const until = held.until === null ? "for good" : `until ${Look.span(held.until)} after its start`
    return `HTTP is held back ${until} so that peers and cache servers come first: ${Look.sourced(ledger, Look.list(held.settings))}. ${nobodyGave(ledger)}`
  }
  return undefined
}

const nobodyGave = (ledger: Ledger): string => `No bytes came from peers: ${withoutPeers(ledger)}.`

/** Where the bytes are from. */
const sources = (ledger: Ledger): string => {
  const { useful } = ledger.figures
  const bytes = Look.fetched(ledger)
  if (bytes === 0 && useful.LocalCache > 0) {
    return `Nothing was downloaded: all ${Amount.bytes(useful.LocalCache)} were in the cache of this device already.`
  }
  if (Look.ofPeers(ledger) === 0) return nobodyGave(ledger)
  const parts = SourceKind.literals
    .filter((kind) => kind !== "LocalCache" && useful[kind] > 0)
    .map((kind) => `${Amount.percent(useful[kind], bytes)} from ${Look.ofKind(kind)}`)
  const givers = Look.peersIn(ledger).filter(({ brought = 0 }) => brought > 0).length
  const by = givers === 0 ? "" : ` (${Amount.count(givers, "peer")} gave pieces)`
  const rest = useful.Origin > 0 ? whyOrigin(ledger) : ""
  return `Of ${Amount.bytes(bytes)} ${Look.list(parts)}${by}.${rest}`
}

/** Why the origin was asked for anything: the reason of most of its pieces. */
const whyOrigin = (ledger: Ledger): string => {
  const sum = ledger.pieces?.sums.find(({ source }) => ledger.parties[source]?.kind === "Origin")
  const words = sum === undefined ? undefined : originWords[sum.reason]
  return words === undefined ? "" : ` The origin was asked because ${words}.`
}

export const originWords: { readonly [reason: string]: string | undefined } = {
  OnlySource: "no other source was there",
  Reading: "somebody read just those pieces",
  ReaderWaits: "a reader waited for a piece that no neighbour brought in time",
  Rarest: "nobody near held those pieces",
  CacheServer: "neighbours lacked them or were too slow",
  Leased: "the service leased those pieces to this device, so that nobody else of the site fetches them",
  OwnShare: "no neighbour held those pieces and it was this device's turn",
  OthersShare: "no neighbour held those pieces and the one whose turn it was would have taken too long",
  BelowFloor: "peers gave less than the download has to have",
  HoldersSilent: "the neighbours that held those pieces did not answer",
  Steal: "it was far faster than who had been asked",
  Endgame: "the last pieces took too long elsewhere",
  WholeFile: "it sends whole files only"
}

/** Why peers gave nothing: the first thing that stood in the way. */
export const withoutPeers = (ledger: Ledger): string => {
  const settled = Look.last(ledger, "Mode")
  if (settled === undefined) {
    return usesPeers(ledger.mode) || ledger.end !== undefined
      ? "it had not come so far as to ask for any"
      : modeHasNone(ledger)
  }
  const { detail, mode, reason } = settled
  if (reason === "TooSmall") {
    const size = ledger.fileBytes === undefined ? "" : ` (${Amount.bytes(ledger.fileBytes)})`
    return `the file is too small to ask for any${size}: ${Look.settingIs(ledger, "MinContentSizeToPeer")}`
  }
  if (reason === "NotEligible" && detail !== undefined) return Look.sourced(ledger, detail.replace(/\.$/, ""))
  if (reason !== "Requested") return Look.sourced(ledger, ModeWords.because({ reason, detail }))
  const forbidden = Look.last(ledger, "Permission")?.peering.filter(({ setting }) => setting !== "DODownloadMode") ?? []
  if (forbidden.length > 0) return Look.verdict(ledger, forbidden)
  return usesPeers(mode) ? nobodyCame(ledger) : modeHasNone(ledger)
}

const modeHasNone = (ledger: Ledger): string =>
  `the mode ${ledger.mode} (${numbers[ledger.mode]}) has none; ${Look.settingIs(ledger, "DODownloadMode")}`

/** Peers were allowed, and none gave anything. */
const nobodyCame = (ledger: Ledger): string => {
  const peers = Look.peersIn(ledger)
  const met = peers.filter(({ sessions = 0 }) => sessions > 0)
  if (met.length > 0) return fruitless(ledger)
  const dialled = peers.filter(({ dials = 0 }) => dials > 0)
  if (dialled.length > 0) {
    const reasons = Look.sumOf(dialled, "refused")
    const why = Look.list(reasons.map(([reason, n]) => `${n} × ${refusals[reason] ?? reason}`))
    const hint =
      reasons[0] !== undefined && portMayBeShut.has(reasons[0][0])
        ? "; check that TCP port 7680 is open between the devices"
        : ""
    if (reasons.length === 0)
      return `${Amount.count(dialled.length, "peer")} had been dialled, and the download was over before one answered`
    return `${Amount.count(dialled.length, "peer")} ${dialled.length === 1 ? "was" : "were"} named, and none could be talked to (${why})${hint}`
  }
  if (peers.length > 0)
    return `${Amount.count(peers.length, "peer")} had been named, and the download was over before one was dialled`
  return nobodyNamed(ledger)
}

const nobodyNamed = (ledger: Ledger): string => {
  const joins = Look.all(ledger, "Asked").filter(({ role }) => role === "Array")
  const failure = joins.findLast(({ answer }) => answer !== "Answered")
  const isJoined = Look.all(ledger, "Offered").some(({ from }) => from === "Service")
  if (!isJoined && failure !== undefined) {
    return `the service never let this device into the swarm, so no other device knew of it (${(failure.detail ?? failure.answer).replace(/\.$/, "")})`
  }
  const seen = Look.last(ledger, "Seen")
  const group = Look.last(ledger, "Group")
  const place = seen === undefined ? "" : ` The service sees this device at ${seen.externalIp}`
  const restriction = ledger.settings.find(
    ({ name, value }) => name === "DORestrictPeerSelectionBy" && !/^0\b|None/.test(value)
  )
  const only = restriction === undefined ? "" : `; ${Look.settingIs(ledger, restriction.name)}`
  const where =
    group === undefined
      ? ({ Lan: "at its address", Internet: "anywhere", Group: "in its group" }[ledger.mode as "Lan"] ?? "near")
      : `in its group ${group.id} (${Look.settingIs(ledger, group.setting)})`
  const hint =
    ledger.mode === "Lan" && place !== ""
      ? ": where a proxy or several lines give devices of one site different addresses, use Group mode"
      : ""
  const brief = tooSmallToKeep(ledger)
  const does = brief === undefined ? "holds or fetches this content" : "fetches this content now"
  const unkept = brief === undefined ? "" : `, and it is too small to be kept for others (${brief})`
  return `nobody was named, for no other device ${where} ${does}${unkept}${only}.${place}${hint}`.replace(/\.$/, "")
}

/** The setting because of which devices with the same settings do not keep the file once they have it. */
const tooSmallToKeep = (ledger: Ledger): string | undefined => {
  const least = ledger.settings.find(({ name }) => name === "DOMinFileSizeToCache")
  if (least === undefined || ledger.fileBytes === undefined) return undefined
  return ledger.fileBytes < Number.parseInt(least.value, 10) * mebibyte
    ? Look.settingIs(ledger, "DOMinFileSizeToCache")
    : undefined
}

/** They were connected, and nothing of what they sent was kept. */
const fruitless = (ledger: Ledger): string => {
  const met = Look.peersIn(ledger).filter(({ sessions = 0 }) => sessions > 0)
  const bad = met.filter((party) => (party.bad ?? 0) > 0)
  const who = `${Amount.count(met.length, "peer")} ${met.length === 1 ? "was" : "were"} connected`
  if (bad.length > 0) {
    const pieces = bad.reduce((sum, party) => sum + (party.bad ?? 0), 0)
    return `${who}, and what came was bad (${Amount.count(pieces, "piece")} with a wrong hash)`
  }
  const failures = [...Look.sumOf(met, "failed"), ...Look.sumOf(met, "left")].filter(([reason]) => reason !== "Closed")
  if (failures.length > 0) return `${who} and failed (${Look.list(failures.map(([reason, n]) => `${n} × ${reason}`))})`
  return `${who} and brought nothing: what was still missing was not there, or came sooner from other sources`
}

const refusals: { readonly [reason: string]: string | undefined } = {
  Unreachable: "not reachable",
  TimedOut: "no answer in time",
  BadHandshake: "something else listens there",
  UnknownSwarm: "does not share it any more",
  TooManyConnections: "has as many connections as it may",
  Banned: "banned for bad pieces"
}
const portMayBeShut: ReadonlySet<string> = new Set(["Unreachable", "TimedOut"])

/** What else it cost, or held it back: each a sentence. */
const asides = (ledger: Ledger, now: Circumstances): ReadonlyArray<string> => {
  const said: Array<string> = []
  const again = downloadedAgain(ledger, now)
  if (again !== undefined) said.push(again)
  const limit = Look.last(ledger, "Limit")
  if (limit !== undefined) {
    said.push(
      limit.setting === undefined
        ? `It gave way to a foreground download of this device (${Amount.rate(limit.rate)}).`
        : `It was held back to ${Amount.rate(limit.rate)} by ${limit.setting} (${provenanceOf(ledger, limit.setting)}).`
    )
  }
  if (Look.last(ledger, "WholeFiles") !== undefined) {
    said.push("The origin sends whole files only (no byte ranges), so the rest of it came in one piece.")
  }
  const cache = Look.last(ledger, "Cache")
  if (cache !== undefined && ledger.figures.useful.CacheServer === 0 && troubled.has(cache.reason)) {
    said.push(`${Look.sourced(ledger, cache.sentence)}.`)
  }
  if (now.offer?.why === "Waiting") {
    said.push(
      `Other devices are not told that this one has it until its turn comes: ${now.offer.waiting} contents share the turns; ${Look.settingIs(ledger, "ContentSlots")}.`
    )
  }
  return said
}

const provenanceOf = (ledger: Ledger, name: string): string => Look.provenance(ledger, name) ?? "a setting"

const troubled: ReadonlySet<string> = new Set([
  "Banned",
  "Failed",
  "Left",
  "Refused",
  "BadPieces",
  "NotAllowed",
  "OnVpn"
])

/** A file is worth telling of when so much of it came in vain, in percent. */
const worthTelling = 1

const downloadedAgain = (ledger: Ledger, { isRunning }: Circumstances): string | undefined => {
  const again = Look.last(ledger, "Again")
  // While it goes on, what came of pieces that are under way looks like what was given up.
  const isUnsettled = isRunning && ledger.end === undefined && again === undefined
  const waste = { ...ledger.figures.waste, ...(isUnsettled ? { cancelled: 0 } : {}) }
  const bytes = waste.bad + waste.duplicate + waste.cancelled
  const whole = ledger.requestedBytes ?? ledger.fileBytes ?? 0
  if (bytes === 0 || bytes * 100 < whole * worthTelling) return undefined
  const causes = [
    { bytes: waste.bad, why: `were bad pieces${badOf(ledger)}` },
    { bytes: waste.duplicate, why: "had come from elsewhere first" },
    {
      bytes: waste.cancelled,
      why: again === undefined ? "were of requests that were given up" : againWords[again.why]
    }
  ].filter((cause) => cause.bytes > 0)
  const parts = causes.map((cause) => `${causes.length === 1 ? "they" : Amount.bytes(cause.bytes)} ${cause.why}`)
  return `${Amount.bytes(bytes)} were downloaded in vain: ${Look.list(parts)}.`
}

const againWords = {
  ContentChanged: "were of a file that changed at the origin on the way",
  BadPieces: "were bytes of a cache server that are not the published ones",
  NextUrl: "were of a URL that went away"
} as const

const badOf = (ledger: Ledger): string => {
  const liars = ledger.parties.filter(({ bad = 0 }) => bad > 0)
  const names = liars.slice(0, 3).map((party) => `${Look.nameOf(party)}${party.banned === true ? ", now banned" : ""}`)
  const more = liars.length > 3 ? [`${liars.length - 3} others`] : []
  return names.length === 0 ? "" : ` of ${Look.list([...names, ...more])}`
}
