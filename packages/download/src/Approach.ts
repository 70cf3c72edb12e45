/**
 * How one content is going to be fetched: from a swarm, when the services vouch for its hashes, or in Simple mode, over
 * plain HTTP. Whatever fails on the way leads to Simple mode and to a reason that can be told; only that the service has
 * halted the content ends a download. Source: spec.md §2.2.
 */
import { PieceCache } from "@piecework/cache/PieceCache"
import type { Cloud } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { ContentPolicyReply, Policies } from "@piecework/cloud/ContentPolicyRpcs"
import { type ContentId, hashOfHashes } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { type DownloadMode, type ModeReason, usesPeers, usesServices } from "@piecework/domain/DownloadMode"
import { BufferPool } from "@piecework/hashing/BufferPool"
import * as Phf from "@piecework/hashing/Phf"
import type { Access } from "@piecework/sources/Access"
import { HttpClient } from "@piecework/sources/HttpClient"
import { Effect, Option, Result } from "effect"
import { DownloadConfig } from "./DownloadConfig.ts"
import { Fallback } from "./DownloadError.ts"

export type Approach =
  | {
      readonly _tag: "Swarm"
      readonly mode: DownloadMode
      readonly why: Fallback
      readonly phf: Phf.Phf
      /** What the service says of keeping it; `undefined` when it said nothing of the content. */
      readonly policies: Policies | undefined
    }
  | { readonly _tag: "Simple"; readonly why: Fallback }
  | { readonly _tag: "Halted" }

const fallback = (reason: ModeReason, detail?: string) =>
  new Fallback({ reason, ...(detail === undefined ? {} : { detail }) })

const simple = (reason: ModeReason, detail?: string): Approach => ({ _tag: "Simple", why: fallback(reason, detail) })

/** What is to be fetched: from its URL, and which content that is, when the caller knows. */
export interface Subject {
  readonly url: ContentUrl
  readonly contentId: ContentId | undefined
  /** What goes with requests to the content's own server, which may have its hashes as well. */
  readonly access?: Access | undefined
}

/**
 * Asks the services about the content, and gets its pieces hash file from the cache or from where they say it is. Of a content
 * that the caller names, the id vouches for the hashes, so without an answer they are looked for beside the file.
 */
export const find = Effect.fn("Approach.find")(function* (
  subject: Subject,
  mode: DownloadMode,
  cloud: Option.Option<Cloud["Service"]>
): Effect.fn.Return<Approach, never, BufferPool | DownloadConfig | HttpClient | PieceCache> {
  if (!usesServices(mode)) return simple("Requested")
  const { minContentSize } = yield* DownloadConfig
  const cache = yield* PieceCache
  const { bufferSize } = yield* BufferPool

  const found = yield* vouchedFor(subject, cloud)
  if (Result.isFailure(found))
    return found.failure === "Halted" ? { _tag: "Halted" } : { _tag: "Simple", why: found.failure }
  const policy = found.success
  if (policy.contentSize !== undefined && policy.contentSize < minContentSize) {
    return simple("TooSmall", `It has ${policy.contentSize} bytes; peers are asked from ${minContentSize} on.`)
  }

  // A damaged one is none, and a cache that cannot be read at all says so when the content is opened.
  const kept = Option.flatten(yield* Effect.option(cache.load(policy.contentId)))
  const fetched = Option.isSome(kept)
    ? Result.succeed(kept.value)
    : yield* Effect.result(fetchPhf(policy, proofOf(cloud), subject.access))
  if (Result.isFailure(fetched)) return { _tag: "Simple", why: fetched.failure }
  const phf = fetched.success
  const { policies } = policy
  if (phf.layout.pieceSize > bufferSize) {
    return simple("PhfInvalid", `Its pieces of ${phf.layout.pieceSize} bytes are larger than ${bufferSize}.`)
  }

  // A content that peers may not have is still checked piece by piece.
  if (usesPeers(mode) && !policy.peersAllowed) {
    return { _tag: "Swarm", mode: "HttpOnly", why: new Fallback({ reason: "PeersForbidden" }), phf, policies }
  }
  return { _tag: "Swarm", mode, why: new Fallback({ reason: "Requested" }), phf, policies }
})

/** What is known of a content before its hashes. */
interface Vouched extends Pick<
  ContentPolicyReply,
  "contentId" | "hashOfHashes" | "phfUrls" | "phfDigest" | "peersAllowed"
> {
  /** Bytes, when somebody said. */
  readonly contentSize: number | undefined
  readonly policies: Policies | undefined
}

const vouchedFor = Effect.fnUntraced(function* (
  { contentId, url }: Subject,
  cloud: Option.Option<Cloud["Service"]>
): Effect.fn.Return<Result.Result<Vouched, Fallback | "Halted">, never, DownloadConfig> {
  const named = contentId === undefined ? undefined : byItself(contentId, url)
  const instead = (reason: ModeReason, detail?: string) =>
    named === undefined ? Result.fail(fallback(reason, detail)) : Result.succeed(named)
  if (cloud._tag === "None") return instead("NoService")
  const { lookupTimeout } = yield* DownloadConfig
  const asked = cloud.value.lookup(contentId === undefined ? { url } : { contentId })
  const found = yield* asked.pipe(Effect.timeoutOption(lookupTimeout), Effect.result)
  // Also of a content that the caller names: its operator wants nobody to have it.
  if (Result.isFailure(found) && found.failure.reason === "ContentHalted") return Result.fail("Halted")
  if (Result.isFailure(found)) return instead(reasonOf(found.failure), found.failure.message)
  if (found.success._tag === "None") return instead("ServiceUnreachable", "The service did not answer in time.")
  return Result.succeed(found.success.value.policy)
})

/** The id is the hash of hashes; the pieces hash file lies beside the file. `undefined` for an id that no hash has. */
const byItself = (contentId: ContentId, url: ContentUrl): Vouched | undefined =>
  Option.getOrUndefined(
    Option.map(hashOfHashes(contentId), (digest) => ({
      contentId,
      hashOfHashes: digest,
      phfUrls: [besideOf(url)] as const,
      peersAllowed: true,
      contentSize: undefined,
      policies: undefined
    }))
  )

/** Where the hashes of a file lie that nobody publishes: its own URL and ".phf". */
const besideOf = (url: ContentUrl): ContentUrl => {
  const beside = new URL(url)
  beside.pathname += ".phf"
  return ContentUrl.make(beside.href)
}

const reasonOf = (error: CloudError): ModeReason => {
  switch (error.reason) {
    case "Unreachable":
    case "Untrusted":
    case "TimedOut":
      return "ServiceUnreachable"
    case "Unintelligible":
    case "Refused":
      return "ServiceUnintelligible"
    case "Unsigned":
      return "NotSigned"
    case "NotEnrolled":
    case "CredentialRefused":
      return "NotEnrolled"
    case "ContentUnknown":
    case "ContentHalted":
      return "ContentUnknown"
  }
}

type ProofFor = Cloud["Service"]["proofFor"]

/** Who knows no service has nothing to prove to anybody. */
const proofOf = (cloud: Option.Option<Cloud["Service"]>): ProofFor =>
  Option.match(cloud, { onNone: () => () => ({}), onSome: ({ proofFor }) => proofFor })

/** The verified pieces hash file from the first of its URLs that has it; else why the last of them did not. */
const fetchPhf = Effect.fnUntraced(function* (
  policy: Vouched,
  proofFor: ProofFor,
  access: Access | undefined
): Effect.fn.Return<Phf.Phf, Fallback, DownloadConfig | HttpClient> {
  const { phfTimeout } = yield* DownloadConfig
  const [first, ...others] = policy.phfUrls
  const all = others.reduce(
    (sofar, url) => Effect.catch(sofar, () => fetchPhfFrom(url, policy, proofFor, access)),
    fetchPhfFrom(first, policy, proofFor, access)
  )
  return yield* Effect.timeoutOrElse(all, {
    duration: phfTimeout,
    orElse: () => Effect.fail(missing(first, "it did not come in time"))
  })
})

const missing = (url: ContentUrl, detail: string) => new Fallback({ reason: "PhfMissing", detail: `${url}: ${detail}` })

const fetchPhfFrom = Effect.fnUntraced(function* (
  url: ContentUrl,
  policy: Vouched,
  proofFor: ProofFor,
  access: Access | undefined
): Effect.fn.Return<Phf.Phf, Fallback, DownloadConfig | HttpClient> {
  const bytes = yield* Effect.scoped(download(url, proofFor(url), access))
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
const download = Effect.fnUntraced(function* (
  url: ContentUrl,
  headers: Readonly<Record<string, string>>,
  access: Access | undefined
) {
  const http = yield* HttpClient
  const { lookupTimeout } = yield* DownloadConfig
  const response = yield* http.get({ url, headers, access }).pipe(
    Effect.mapError((error) => missing(url, error.message)),
    // The next URL may answer.
    Effect.timeoutOrElse({
      duration: lookupTimeout,
      orElse: () => Effect.fail(missing(url, "the server did not answer in time"))
    })
  )
  if (response.status !== 200) return yield* Effect.fail(missing(url, `HTTP ${response.status}`))
  const tooLarge = new Fallback({ reason: "PhfInvalid", detail: `${url}: more than ${Phf.maxBytes} bytes` })
  if (response.contentLength !== undefined && response.contentLength > Phf.maxBytes) {
    return yield* Effect.fail(tooLarge)
  }

  let bytes = new Uint8Array(Math.min(response.contentLength ?? firstRoom, firstRoom))
  let length = 0
  while (true) {
    length += yield* Effect.mapError(response.body.fill(bytes.subarray(length)), (error) => missing(url, error.message))
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
