/** What a finished download was, in a few lines for a person. */
import type { ModeReason } from "@piecework/domain/DownloadMode"
import { isPeer, SourceKind } from "@piecework/domain/SourceKind"
import type { Fallback } from "@piecework/download/DownloadError"
import * as CacheView from "@piecework/download/CacheView"
import type { DownloadResult } from "@piecework/download/Progress"
import { wasted } from "@piecework/download/Tally"
import * as Amount from "./Amount.ts"
import * as Moment from "./Moment.ts"
import { names } from "./ProgressLine.ts"

/** Why there were no peers, as a sentence. */
export const why: { readonly [R in ModeReason]: string } = {
  Requested: "as asked for",
  NoService: "no service is set; name one with --service to use peers",
  ServiceUnreachable: "the service could not be reached",
  ServiceUnintelligible: "what answered was no Piecework service",
  NotSigned: "the service's answer is not signed by its key",
  NotEnrolled: "this device is not enrolled at the service; see piecework enrol --help",
  ContentUnknown: "the service does not know this file; publish it to use peers",
  NotEligible: "this device takes no part in peering",
  PeersForbidden: "the file's policy forbids peers",
  PhfMissing: "its pieces hash file could not be fetched",
  PhfMismatch: "its pieces hash file is not the one the service vouched for",
  PhfInvalid: "its pieces hash file is malformed",
  PhfVersion: "its pieces hash file has an unknown version",
  TooSmall: "it is too small to ask peers for"
}

/** Whether somebody asked for peers and something that can be mended stood in the way. */
export const isAgainstTheWish = ({ reason }: Fallback): boolean =>
  !(["Requested", "NoService", "TooSmall", "PeersForbidden"] as ReadonlyArray<ModeReason>).includes(reason)

/** Why there were no peers, without a full stop. What failed says it best; the word for it is said only when it adds to that. */
export const because = ({ detail, reason }: Fallback): string => {
  const exact = detail?.replace(/\.$/, "")
  if (exact === undefined || reason === "ContentUnknown" || reason === "TooSmall") return why[reason]
  const isSaid = said.has(reason)
  return isSaid ? `${exact.charAt(0).toLowerCase()}${exact.slice(1)}` : `${why[reason]} (${exact})`
}

/** Where what failed says all there is to say. */
const said: ReadonlySet<ModeReason> = new Set(["ServiceUnreachable", "ServiceUnintelligible", "NotEnrolled"])

/** Time and rate, unless it was too quick for a rate to mean anything. */
const pace = (bytes: number, seconds: number): string =>
  seconds < 1 ? "in less than a second" : `in ${Amount.seconds(seconds)} (${Amount.rate(bytes / seconds)})`

/** Which cache server was asked, or why not: where one is asked and gave all of it, its line has said so. */
const cached = ({ cache }: DownloadResult): ReadonlyArray<string> => {
  if (cache === undefined || cache.reason === "NoneKnown" || cache.reason === "SwitchedOff") return []
  return [`  ${CacheView.sentence({ ...cache, originFrom: undefined }, Moment.minute)}`]
}

export const render = (result: DownloadResult): string => {
  const seconds = result.durationMillis / 1000
  const sources = SourceKind.literals
    .filter((kind) => result.bytes[kind] > 0)
    .map(
      (kind) =>
        `  ${names[kind].padEnd(16)} ${Amount.bytes(result.bytes[kind]).padStart(10)}  ${Amount.percent(result.bytes[kind], result.fileBytes)}`
    )
  const waste = wasted(result.waste)
  const banned = result.banned.length
  return [
    `${result.path}: ${Amount.bytes(result.fileBytes)} ${pace(result.fileBytes, seconds)}`,
    ...sources,
    ...(waste > 0 ? [`  ${"thrown away".padEnd(16)} ${Amount.bytes(waste).padStart(10)}`] : []),
    ...(banned > 0 ? [`  ${banned} ${banned === 1 ? "peer was" : "peers were"} banned for bad pieces`] : []),
    ...(SourceKind.literals.some((kind) => isPeer(kind) && result.bytes[kind] > 0) || result.why.reason === "Requested"
      ? []
      : [`  Without peers: ${because(result.why)}.`]),
    ...cached(result),
    `  ${result.contentId}`
  ].join("\n")
}
