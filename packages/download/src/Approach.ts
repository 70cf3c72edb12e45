/**
 * How one content is going to be fetched: from a swarm, when the services vouch for its hashes, or in Simple mode, over
 * plain HTTP. Whatever fails on the way leads to Simple mode and to a reason that can be told; nothing here ends a
 * download. Source: spec.md §2.2.
 */
import { Cloud, type Lookup } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { ContentPolicyReply } from "@piecework/cloud/ContentPolicyRpcs"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { type DownloadMode, type ModeReason, usesPeers, usesServices } from "@piecework/domain/DownloadMode"
import * as Phf from "@piecework/hashing/Phf"
import { HttpClient } from "@piecework/sources/HttpClient"
import { Effect, type Option, Result } from "effect"
import { DownloadConfig } from "./DownloadConfig.ts"
import { Fallback } from "./DownloadError.ts"

export type Approach =
  | {
      readonly _tag: "Swarm"
      readonly mode: DownloadMode
      readonly why: Fallback
      readonly phf: Phf.Phf
      readonly lookup: Lookup
    }
  | { readonly _tag: "Simple"; readonly why: Fallback }

const simple = (reason: ModeReason, detail?: string): Approach => ({
  _tag: "Simple",
  why: new Fallback({ reason, ...(detail === undefined ? {} : { detail }) })
})

/** Asks the services about the content and fetches its pieces hash file. */
export const find = Effect.fn("Approach.find")(function* (
  url: ContentUrl,
  mode: DownloadMode,
  cloud: Option.Option<Cloud["Service"]>
): Effect.fn.Return<Approach, never, HttpClient | DownloadConfig> {
  if (!usesServices(mode)) return simple("Requested")
  if (cloud._tag === "None") return simple("NoService")
  const { lookupTimeout, minContentSize } = yield* DownloadConfig

  const found = yield* cloud.value.lookup({ url }).pipe(Effect.timeoutOption(lookupTimeout), Effect.result)
  if (Result.isFailure(found)) return simple(reasonOf(found.failure), found.failure.message)
  if (found.success._tag === "None") return simple("ServiceUnreachable", "The service did not answer in time.")
  const lookup = found.success.value
  if (lookup.policy.contentSize < minContentSize) {
    return simple("TooSmall", `It has ${lookup.policy.contentSize} bytes; peers are asked from ${minContentSize} on.`)
  }

  const phf = yield* Effect.result(fetchPhf(lookup.policy))
  if (Result.isFailure(phf)) return { _tag: "Simple", why: phf.failure }

  // A content that peers may not have is still checked piece by piece.
  if (usesPeers(mode) && !lookup.policy.peersAllowed) {
    return {
      _tag: "Swarm",
      mode: "HttpOnly",
      why: new Fallback({ reason: "PeersForbidden" }),
      phf: phf.success,
      lookup
    }
  }
  return { _tag: "Swarm", mode, why: new Fallback({ reason: "Requested" }), phf: phf.success, lookup }
})

const reasonOf = (error: CloudError): ModeReason => {
  switch (error.reason) {
    case "Unreachable":
    case "TimedOut":
      return "ServiceUnreachable"
    case "Unintelligible":
    case "Refused":
      return "ServiceUnintelligible"
    case "ContentUnknown":
      return "ContentUnknown"
  }
}

/** The verified pieces hash file from the first of its URLs that has it; else why the last of them did not. */
const fetchPhf = (policy: ContentPolicyReply): Effect.Effect<Phf.Phf, Fallback, HttpClient> => {
  const [first, ...others] = policy.phfUrls
  return others.reduce(
    (sofar, url) => Effect.catch(sofar, () => fetchPhfFrom(url, policy)),
    fetchPhfFrom(first, policy)
  )
}

const fetchPhfFrom = Effect.fnUntraced(function* (
  url: ContentUrl,
  policy: ContentPolicyReply
): Effect.fn.Return<Phf.Phf, Fallback, HttpClient> {
  const bytes = yield* Effect.scoped(download(url))
  const verified = Phf.verify(bytes, {
    hashOfHashes: policy.hashOfHashes,
    ...(policy.phfDigest === undefined ? {} : { fileDigest: policy.phfDigest })
  })
  if (Result.isSuccess(verified)) return verified.success
  const error = diagnosed(bytes, verified.failure)
  const detail = `${url}: ${error.message}`
  switch (error.reason) {
    case "WrongVersion":
      return yield* Effect.fail(new Fallback({ reason: "PhfVersion", detail }))
    case "HashMismatch":
      return yield* Effect.fail(new Fallback({ reason: "PhfMismatch", detail }))
    default:
      return yield* Effect.fail(new Fallback({ reason: "PhfInvalid", detail }))
  }
})

/** Why the bytes are not the promised file, as exactly as can be told: what cannot be read is more than "another one". */
const diagnosed = (bytes: Uint8Array, error: Phf.PhfError): Phf.PhfError => {
  if (error.reason !== "HashMismatch") return error
  const decoded = Phf.decode(bytes)
  return Result.isFailure(decoded) ? decoded.failure : error
}

/** The bytes at the URL, as long as they can be a pieces hash file; room is made only for what came. */
const download = Effect.fnUntraced(function* (url: ContentUrl) {
  const http = yield* HttpClient
  const missing = (detail: string) => new Fallback({ reason: "PhfMissing", detail: `${url}: ${detail}` })
  const response = yield* Effect.mapError(http.get({ url }), (error) => missing(error.message))
  if (response.status !== 200) return yield* Effect.fail(missing(`HTTP ${response.status}`))
  const tooLarge = new Fallback({ reason: "PhfInvalid", detail: `${url}: more than ${Phf.maxBytes} bytes` })
  if (response.contentLength !== undefined && response.contentLength > Phf.maxBytes) {
    return yield* Effect.fail(tooLarge)
  }

  let bytes = new Uint8Array(Math.min(response.contentLength ?? firstRoom, firstRoom))
  let length = 0
  while (true) {
    length += yield* Effect.mapError(response.body.fill(bytes.subarray(length)), (error) => missing(error.message))
    if (length < bytes.length) break
    if (bytes.length > Phf.maxBytes) return yield* Effect.fail(tooLarge)
    const larger = new Uint8Array(Math.max(firstRoom, bytes.length * 2))
    larger.set(bytes)
    bytes = larger
  }
  return bytes.subarray(0, length)
})

/** Room for the hash file of a content of 22 GB; larger ones grow into theirs. */
const firstRoom = 1 << 20
