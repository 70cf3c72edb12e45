/** Content Policy: what a content is, by the hash of its hashes, and what may be done with it. Source: spec.md §4.3. */
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Digest } from "@piecework/domain/Digest"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { Bytes, CacheHost, ClientVersion, CountryCode, ExperimentId, ProfileBits, text } from "./Fields.ts"
import { mostSignatures, Signature } from "./PolicySignature.ts"
import { ContentHalted, ContentUnknown, RequestRefused } from "./RoleError.ts"

/** Names a content by its id or, when there is none, by its URL at the origin; by the id when both are there. */
export class ContentPolicyRequest extends Schema.Class<ContentPolicyRequest>("@piecework/cloud/ContentPolicyRequest")({
  /** `contentId` in the path. */
  contentId: Schema.optionalKey(ContentId),
  /** `altCatalogId`. */
  altCatalogId: Schema.optionalKey(ContentUrl),
  /** `profile`. */
  profile: ProfileBits,
  /** `doClientVersion`. */
  clientVersion: ClientVersion,
  /** `countryCode`. */
  countryCode: Schema.optionalKey(CountryCode),
  /** `eId`. */
  eId: Schema.optionalKey(ExperimentId),
  /** `CacheHost`. */
  cacheHost: Schema.optionalKey(CacheHost)
}) {}

/** 32 bytes, base64 on the wire. */
const WireDigest = Schema.Uint8ArrayFromBase64.pipe(Schema.decodeTo(Digest))

/** `Policies`. */
export class Policies extends Schema.Class<Policies>("@piecework/cloud/Policies")({
  /** Bytes a second below which a foreground download takes more from HTTP. `ForegroundQosBps`. */
  foregroundQosBps: Bytes,
  /** The same for background downloads. `BackgroundQosBps`. */
  backgroundQosBps: Bytes,
  /** For how long the content is kept after its download, in seconds. `MaxCacheAgeSecs`. */
  maxCacheAgeSeconds: Schema.Natural,
  /** When it is removed whatever its age, in seconds since 1970. `ExpireAtSecsSinceEpoch`. */
  expireAtSeconds: Schema.optionalKey(Schema.Natural),
  /** For how long an unfinished download is kept, in seconds. `DownloadToExpire`. */
  downloadToExpireSeconds: Schema.Natural,
  /** Which of these the publisher said; the others are what the service usually says, and bind nobody. Ours. */
  said: Schema.optionalKey(Schema.Array(text(64)).check(Schema.isMaxLength(16)))
}) {}

/** Most URLs of one kind in a reply. */
export const maxUrls = 32

export class ContentPolicyReply extends Schema.Class<ContentPolicyReply>("@piecework/cloud/ContentPolicyReply")({
  /** `ContentId`. */
  contentId: ContentId,
  /** What the PHF must hash to. `HashOfHashes`. */
  hashOfHashes: WireDigest,
  /** Where the PHF is; at least one. `PiecesHashFileCdnUrls`. */
  phfUrls: Schema.NonEmptyArray(ContentUrl).check(Schema.isMaxLength(maxUrls)),
  /** SHA-256 of the PHF's bytes, the second way to verify it. Source: spec.md §5.2. Ours. */
  phfDigest: Schema.optionalKey(WireDigest),
  /** Origins of the content. `ContentCdnUrls`. */
  contentUrls: Schema.Array(ContentUrl).check(Schema.isMaxLength(maxUrls)),
  /** Length of the content, in bytes. Ours; the verified PHF decides. */
  contentSize: Bytes,
  /** Whether peers may be used; Microsoft lowers the mode. Source: spec.md §2.1. Ours. */
  peersAllowed: Schema.Boolean,
  /** `IsSecure`. */
  isSecure: Schema.Boolean,
  /** `IsInternal`. */
  isInternal: Schema.Boolean,
  policies: Policies,
  /** `Rank`. */
  rank: Schema.Natural,
  /** By the keys of the service, for clients that want them. Ours. */
  signatures: Schema.optionalKey(Schema.Array(Signature).check(Schema.isMaxLength(mostSignatures)))
}) {}

export const ContentPolicy = Rpc.make("ContentPolicy", {
  payload: ContentPolicyRequest,
  success: ContentPolicyReply,
  error: Schema.Union([ContentUnknown, ContentHalted, RequestRefused])
})

/** Most contents in one check. */
export const maxChecked = 64

export class CheckRequest extends Schema.Class<CheckRequest>("@piecework/cloud/CheckRequest")({
  /** Contents that the client is fetching or giving to peers now, and of which no answer of the service told lately. */
  contentIds: Schema.NonEmptyArray(ContentId).check(Schema.isMaxLength(maxChecked))
}) {}

export class CheckReply extends Schema.Class<CheckReply>("@piecework/cloud/CheckReply")({
  /** Those of them that are halted. Contents that are unknown to the caller are none of them. */
  halted: Schema.Array(ContentId).check(Schema.isMaxLength(maxChecked)),
  /** Milliseconds after which what is still in use is to be checked again. */
  again: Schema.DurationFromMillis
}) {}

/** Which contents a client must stop fetching and serving. Ours. */
export const Check = Rpc.make("Check", { payload: CheckRequest, success: CheckReply, error: RequestRefused })

export class ContentPolicyRpcs extends RpcGroup.make(ContentPolicy, Check).middleware(CallerMiddleware) {}
