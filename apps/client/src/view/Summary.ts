/** What a finished download was, in a few lines for a person. */
import type { DownloadResult } from "@piecework/download/Progress"
import { isPeer, SourceKind } from "@piecework/domain/SourceKind"
import type { ModeReason } from "@piecework/domain/DownloadMode"
import { wasted } from "@piecework/download/Tally"
import * as Amount from "./Amount.ts"
import { names } from "./ProgressLine.ts"

/** Why there were no peers, as a sentence. */
export const why: { readonly [R in ModeReason]: string } = {
  Requested: "as asked for",
  NoService: "no service is set; name one with --service to use peers",
  ServiceUnreachable: "the service could not be reached",
  ServiceUnintelligible: "what answered was no Piecework service",
  ContentUnknown: "the service does not know this file; publish it to use peers",
  PeersForbidden: "the file's policy forbids peers",
  PhfMissing: "its pieces hash file could not be fetched",
  PhfMismatch: "its pieces hash file is not the one the service vouched for",
  PhfInvalid: "its pieces hash file is malformed",
  PhfVersion: "its pieces hash file has an unknown version",
  TooSmall: "it is too small to ask peers for"
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
    `${result.path}: ${Amount.bytes(result.fileBytes)} in ${Amount.seconds(seconds)} (${Amount.rate(result.fileBytes / Math.max(0.001, seconds))})`,
    ...sources,
    ...(waste > 0 ? [`  ${"thrown away".padEnd(16)} ${Amount.bytes(waste).padStart(10)}`] : []),
    ...(banned > 0 ? [`  ${banned} ${banned === 1 ? "peer was" : "peers were"} banned for bad pieces`] : []),
    ...(SourceKind.literals.some((kind) => isPeer(kind) && result.bytes[kind] > 0) || result.why.reason === "Requested"
      ? []
      : [
          `  Without peers: ${why[result.why.reason]}${result.why.detail === undefined ? "." : ` (${result.why.detail})`}`
        ]),
    `  ${result.contentId}`
  ].join("\n")
}
