/** What a finished download was, in a few lines for a person. */
import { usesPeers } from "@piecework/domain/DownloadMode"
import { fromPeers, isPeer, SourceKind, total } from "@piecework/domain/SourceKind"
import * as CacheView from "@piecework/download/CacheView"
import type { DownloadResult } from "@piecework/download/Progress"
import { wasted } from "@piecework/download/Tally"
import { because } from "@piecework/ledger/ModeWords"
import * as Amount from "./Amount.ts"
import * as Moment from "./Moment.ts"
import { names } from "./ProgressLine.ts"

/** Why there were no peers, in words. */
export { because, isAgainstTheWish, why } from "@piecework/ledger/ModeWords"

/** Time and rate, unless it was too quick for a rate to mean anything. */
const pace = (bytes: number, seconds: number): string =>
  seconds < 1 ? "in less than a second" : `in ${Amount.seconds(seconds)} (${Amount.rate(bytes / seconds)})`

/** Which cache server was asked, or why not: where one is asked and gave all of it, its line has said so. */
const cached = ({ cache }: DownloadResult): ReadonlyArray<string> => {
  if (cache === undefined || cache.reason === "NoneKnown" || cache.reason === "SwitchedOff") return []
  return [`  ${CacheView.sentence({ ...cache, originFrom: undefined }, Moment.minute)}`]
}

/** Of one that peers were asked for and that came without them. */
const isWithout = ({ bytes, mode }: DownloadResult): boolean =>
  usesPeers(mode) && fromPeers(bytes) === 0 && total(bytes) > bytes.LocalCache

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
      ? isWithout(result)
        ? ["  No bytes came from peers; piecework explain says why."]
        : []
      : [`  Without peers: ${because(result.why)}.`]),
    ...cached(result),
    `  ${result.contentId}`
  ].join("\n")
}
