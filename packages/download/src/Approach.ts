/**
 * How one content is going to be fetched: from a swarm, when the services vouch for its hashes, or in Simple mode, over
 * plain HTTP. Whatever fails on the way leads to Simple mode and to a reason that can be told; only that the service has
 * halted the content ends a download. Source: spec.md §2.2.
 */
import { PieceCache } from "@piecework/cache/PieceCache"
import type { Cloud } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { ContentPolicyReply, Policies } from "@piecework/cloud/ContentPolicyRpcs"
import * as Patience from "@piecework/domain/Patience"
import { type ContentId, hashOfHashes } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Digest } from "@piecework/domain/Digest"
import { type DownloadMode, type ModeReason, usesPeers, usesServices } from "@piecework/domain/DownloadMode"
import { BufferPool } from "@piecework/hashing/BufferPool"
import type * as Phf from "@piecework/hashing/Phf"
import type { Access } from "@piecework/sources/Access"
import type { HttpClient } from "@piecework/sources/HttpClient"
import { Effect, Option, Result } from "effect"
import { answerOf, CurrentLedger } from "./CurrentLedger.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { Fallback } from "./DownloadError.ts"
import * as HashesFile from "./HashesFile.ts"
import type { JobCache } from "./JobCache.ts"
import type { NamedHashes } from "./NamedHashes.ts"

export type Approach =
  | {
      readonly _tag: "Swarm"
      readonly mode: DownloadMode
      readonly why: Fallback
      readonly phf: Phf.Phf
      /** What the service says of keeping it; `undefined` when it said nothing of the content. */
      readonly policies: Policies | undefined
    }
  | {
      readonly _tag: "Simple"
      readonly why: Fallback
      /** What the bytes have to be, where the caller named hashes that could be had. */
      readonly phf?: Phf.Phf | undefined
    }
  | { readonly _tag: "Halted" }

const fallback = (reason: ModeReason, detail?: string) =>
  new Fallback({ reason, ...(detail === undefined ? {} : { detail }) })

const simple = (reason: ModeReason, detail?: string) => ({ _tag: "Simple" as const, why: fallback(reason, detail) })

/** What is to be fetched: from its URL, and which content that is, when the caller knows. */
export interface Subject {
  readonly url: ContentUrl
  readonly contentId: ContentId | undefined
  /** Where its hashes lie, when the caller knows. */
  readonly hashes?: NamedHashes | undefined
  /** Each piece has to be checked as it comes, however small the content is. Default false. */
  readonly isChecked?: boolean | undefined
  /** What goes with requests to the content's own server, which may have its hashes as well. */
  readonly access?: Access | undefined
  /** The cache servers before that one. */
  readonly cache?: Pick<JobCache, "beside"> | undefined
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
  const { access, hashes, url } = subject
  const instead = HashesFile.fromCache(subject.cache)
  const named = subject.contentId
  // Where they say which content it is they come first. The server that the caller named is no service.
  const own =
    hashes === undefined || (named !== undefined && usesServices(mode))
      ? undefined
      : yield* Effect.result(HashesFile.fetchAny(HashesFile.placeOf(hashes, promisedBy(named)), [], access, instead))
  const phfOfOwn = own?._tag === "Success" ? own.success : undefined
  if (own?._tag === "Failure") return { _tag: "Simple", why: own.failure }
  if (!usesServices(mode)) return { ...simple("Requested"), phf: phfOfOwn }
  const contentId = named ?? phfOfOwn?.contentId
  const { minContentSize } = yield* DownloadConfig
  const cache = yield* PieceCache
  const { bufferSize } = yield* BufferPool

  const found = yield* vouchedFor({ url, contentId }, cloud)
  if (Result.isFailure(found))
    return found.failure === "Halted" ? { _tag: "Halted" } : { _tag: "Simple", why: found.failure }
  const policy = found.success
  const isSmall = policy.contentSize !== undefined && policy.contentSize < minContentSize
  if (isSmall && subject.isChecked !== true) {
    const why = simple("TooSmall", `It has ${policy.contentSize} bytes; peers are asked from ${minContentSize} on.`)
    return { ...why, phf: phfOfOwn }
  }

  // A damaged one is none, and a cache that cannot be read at all says so when the content is opened.
  const kept =
    phfOfOwn === undefined ? Option.flatten(yield* Effect.option(cache.load(policy.contentId))) : Option.some(phfOfOwn)
  const fetched = Option.isSome(kept)
    ? Result.succeed(kept.value)
    : yield* Effect.result(fetchPhf(policy, hashes, cloud, access, instead))
  if (Result.isFailure(fetched)) return { _tag: "Simple", why: fetched.failure }
  const phf = fetched.success
  const { policies } = policy
  if (phf.layout.pieceSize > bufferSize) {
    return simple("PhfInvalid", `Its pieces of ${phf.layout.pieceSize} bytes are larger than ${bufferSize}.`)
  }

  // Peers are not worth asking for it.
  if (usesPeers(mode) && isSmall) {
    return { _tag: "Swarm", mode: "HttpOnly", why: new Fallback({ reason: "TooSmall" }), phf, policies }
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
  const found = yield* asked.pipe(Patience.timeoutOption(lookupTimeout), Effect.result)
  const ledger = yield* CurrentLedger
  const isSilent = Result.isSuccess(found) && Option.isNone(found.success)
  ledger.note({
    _tag: "Asked",
    role: Result.isFailure(found) ? found.failure.role : "ContentPolicy",
    ...(isSilent ? { answer: "TimedOut" } : answerOf(found))
  })
  if (Result.isSuccess(found) && Option.isSome(found.success)) {
    ledger.note({ _tag: "Seen", externalIp: found.success.value.geo.externalIp })
  }
  // Also of a content that the caller names: its operator wants nobody to have it.
  if (Result.isFailure(found) && found.failure.reason === "ContentHalted") return Result.fail("Halted")
  if (Result.isFailure(found)) return instead(reasonOf(found.failure), found.failure.message)
  if (found.success._tag === "None") return instead("ServiceUnreachable", "The service did not answer in time.")
  return Result.succeed(found.success.value.policy)
})

const promisedBy = (contentId: ContentId | undefined): Digest | undefined =>
  contentId === undefined ? undefined : Option.getOrUndefined(hashOfHashes(contentId))

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

/** Who knows no service has nothing to prove to anybody. */
const proofOf = (cloud: Option.Option<Cloud["Service"]>): Cloud["Service"]["proofFor"] =>
  Option.match(cloud, { onNone: () => () => ({}), onSome: ({ proofFor }) => proofFor })

/** The verified pieces hash file from the first of its URLs that has it; else why the last of them did not. */
const fetchPhf = Effect.fnUntraced(function* (
  policy: Vouched,
  named: NamedHashes | undefined,
  cloud: Option.Option<Cloud["Service"]>,
  access: Access | undefined,
  instead: HashesFile.Instead
): Effect.fn.Return<Phf.Phf, Fallback, DownloadConfig | HttpClient> {
  const proofFor = proofOf(cloud)
  const { hashOfHashes: promised, phfDigest } = policy
  const expected = { hashOfHashes: promised, ...(phfDigest === undefined ? {} : { fileDigest: phfDigest }) }
  const of = (url: ContentUrl): HashesFile.Place => ({ url, headers: proofFor(url), expected })
  const [first, ...others] = policy.phfUrls
  return yield* named === undefined
    ? HashesFile.fetchAny(of(first), others.map(of), access, instead)
    : HashesFile.fetchAny(HashesFile.placeOf(named, promised), policy.phfUrls.map(of), access, instead)
})
