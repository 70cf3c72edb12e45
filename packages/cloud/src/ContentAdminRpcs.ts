/** What publishers and administrators do with contents over the network. Ours. Each call wants the scope that it names. */
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { text } from "./Fields.ts"
import { SettingValue } from "./KeyValueRpcs.ts"
import { PolicyChange, PolicySettings } from "./PolicySettings.ts"
import { ContentUnknown, RequestRefused } from "./RoleError.ts"

/** Under the service's URL. */
export const path = "/rpc/admin/content"

/** Longest pieces hash file that is taken over the network, in bytes: that of a content of 350 GiB. */
export const maxPhf = 16 * 1_048_576

/** Bytes of a request's body: such a file in base64, and what stands around it. */
export const maxBody = Math.ceil(maxPhf / 3) * 4 + 1_048_576

/** Most contents or entries in one reply. */
export const maxPage = 200

/** Most URLs in one publication, and most that a record shows. */
export const maxUrls = 64

const Urls = Schema.Array(ContentUrl).check(Schema.isMaxLength(maxUrls))

/** A content as its publisher sees it. */
export class ContentRecord extends Schema.Class<ContentRecord>("@piecework/cloud/ContentRecord")({
  contentId: ContentId,
  /** Bytes. */
  contentSize: Schema.Natural,
  /** Bytes. */
  pieceSize: Schema.Natural,
  /** Epoch milliseconds. */
  publishedAt: Schema.Natural,
  /** The latest last, and only the latest. */
  urls: Urls,
  /**
   * Places in `urls` of those that are said without their query: it may be a signature, so it is for the scope Publish. Absent where none
   * is left out.
   */
  queryHidden: Schema.optionalKey(Schema.Array(Schema.Natural).check(Schema.isMaxLength(maxUrls))),
  /** What was set. */
  policy: PolicySettings,
  /** Epoch milliseconds; `null` while it is not halted. */
  haltedAt: Schema.NullOr(Schema.Natural)
}) {}

/** What publishing changed. */
export class PublishReply extends Schema.Class<PublishReply>("@piecework/cloud/PublishReply")({
  content: ContentRecord,
  isNew: Schema.Boolean,
  added: Urls,
  moved: Schema.Array(Schema.Struct({ url: ContentUrl, from: ContentId })).check(Schema.isMaxLength(maxUrls))
}) {}

/** The bytes are no pieces hash file. */
export class PhfRefused extends Schema.TaggedError<PhfRefused>()("PhfRefused", { detail: text(1024) }) {
  override get message(): string {
    return this.detail
  }
}

/** A content by its id or one of its URLs. */
export const Named = Schema.Struct({ name: Schema.Union([ContentId, ContentUrl]) })

const changeErrors = Schema.Union([ContentUnknown, RequestRefused])

/** Takes a pieces hash file that was made elsewhere. Publish. */
export const Publish = Rpc.make("Publish", {
  payload: {
    phf: Schema.Uint8Array.check(Schema.makeFilter((bytes) => bytes.length <= maxPhf || `at most ${maxPhf} bytes`)),
    urls: Urls,
    policy: PolicyChange
  },
  success: PublishReply,
  error: Schema.Union([PhfRefused, RequestRefused])
})

/** The contents in the order of their first publication, from where the page before ended; 0 at first. Read. */
export const List = Rpc.make("List", {
  payload: { after: Schema.Natural, most: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxPage })) },
  success: Schema.Struct({
    contents: Schema.Array(ContentRecord).check(Schema.isMaxLength(maxPage)),
    /** Absent after the last page. */
    next: Schema.optionalKey(Schema.Natural)
  }),
  error: RequestRefused
})

/** Read. */
export const Show = Rpc.make("Show", { payload: Named, success: ContentRecord, error: changeErrors })

/** Those of the ids that there are, in any order: for pages that have ids and want names. Read. */
export const Lookup = Rpc.make("Lookup", {
  payload: { contentIds: Schema.Array(ContentId).check(Schema.isMaxLength(maxPage)) },
  success: Schema.Array(ContentRecord).check(Schema.isMaxLength(maxPage)),
  error: RequestRefused
})

/** Most contents that are hashed or were lately, as one process of the service remembers them. */
export const maxPublications = 64

/**
 * A file at an origin that the service is to hash, is hashing or has hashed. Only the process that was asked for it knows of it, and
 * only until it ends; what it published stays.
 */
export class Publication extends Schema.Class<Publication>("@piecework/cloud/Publication")({
  /** Of the publication, not of what is published. */
  id: text(64),
  url: ContentUrl,
  /** Whether `url` is said without its query, which is for the scope Publish. */
  queryHidden: Schema.optionalKey(Schema.Literal(true)),
  /** Epoch milliseconds. */
  beganAt: Schema.Natural,
  state: Schema.Union([
    /** Others are hashed before it. */
    Schema.TaggedStruct("Waiting", {}),
    /** Bytes so far, and in all where the origin says it. */
    Schema.TaggedStruct("Hashing", { hashed: Schema.Natural, total: Schema.optionalKey(Schema.Natural) }),
    Schema.TaggedStruct("Published", { contentId: ContentId, contentSize: Schema.Natural, isNew: Schema.Boolean }),
    /** Why, in one sentence. */
    Schema.TaggedStruct("Failed", { sentence: text(1024) })
  ])
}) {}

/**
 * Has the service read the file at its origin once, hash it and publish it under that URL; answers at once. `Overloaded` when too many
 * wait. The same URL again, while it waits or is hashed, answers what is under way. Publish.
 */
export const PublishUrl = Rpc.make("PublishUrl", {
  payload: { url: ContentUrl, policy: PolicyChange },
  success: Publication,
  error: RequestRefused
})

/** Those of the process that is asked, the latest first. Read. */
export const Publications = Rpc.make("Publications", {
  success: Schema.Array(Publication).check(Schema.isMaxLength(maxPublications)),
  error: RequestRefused
})

/** Publish. */
export const SetPolicy = Rpc.make("SetPolicy", {
  payload: { ...Named.fields, change: PolicyChange },
  success: ContentRecord,
  error: changeErrors
})

/** Publish. */
export const SetHalted = Rpc.make("SetHalted", {
  payload: { ...Named.fields, isHalted: Schema.Boolean, why: Schema.optionalKey(text(500)) },
  success: ContentRecord,
  error: changeErrors
})

/** By an id all of it; by a URL that URL, and all of it with the last one. Publish. */
export const Unpublish = Rpc.make("Unpublish", {
  payload: Named,
  success: Schema.Struct({ contentId: ContentId }),
  error: changeErrors
})

/** Which URLs are published when somebody first asks. */
export class RuleRecord extends Schema.Class<RuleRecord>("@piecework/cloud/RuleRecord")({
  /** `https://repo.example/debian/**`: `*` is a part of a segment, `**` any number of segments. */
  pattern: text(512),
  /** Whether URLs with other queries are other contents; else the query is left out. */
  countsQuery: Schema.Boolean,
  /** Larger contents are not hashed, in bytes. */
  maxBytes: Schema.Natural,
  /** Of the contents that it makes. */
  policy: PolicySettings,
  /** Epoch milliseconds. */
  createdAt: Schema.Natural
}) {}

/** The pattern is none, or there are too many. */
export class RuleRefused extends Schema.TaggedError<RuleRefused>()("RuleRefused", { detail: text(1024) }) {
  override get message(): string {
    return this.detail
  }
}

/** There is no such rule. */
export class RuleUnknown extends Schema.TaggedError<RuleUnknown>()("RuleUnknown", { pattern: text(1024) }) {
  override get message(): string {
    return `There is no rule ${this.pattern}.`
  }
}

/** In place of the rule with the same pattern, if there is one. Publish. */
export const AddRule = Rpc.make("AddRule", {
  payload: { pattern: text(1024), countsQuery: Schema.Boolean, maxBytes: Schema.Natural, policy: PolicySettings },
  success: RuleRecord,
  error: Schema.Union([RuleRefused, RequestRefused])
})

/** The first made first, which counts for a URL when several fit. Read. */
export const ListRules = Rpc.make("ListRules", { success: Schema.Array(RuleRecord), error: RequestRefused })

/** What it has published stays. Publish. */
export const RemoveRule = Rpc.make("RemoveRule", {
  payload: { pattern: text(1024) },
  error: Schema.Union([RuleRefused, RuleUnknown, RequestRefused])
})

/** What the operator says of one setting to all devices. */
export class SettingRecord extends Schema.Class<SettingRecord>("@piecework/cloud/SettingRecord")({
  name: text(128),
  value: SettingValue,
  /** Epoch milliseconds. */
  setAt: Schema.Natural
}) {}

/** It is no setting, no value of it, or none that a service may say. */
export class SettingRefused extends Schema.TaggedError<SettingRefused>()("SettingRefused", { detail: text(8192) }) {
  override get message(): string {
    return this.detail
  }
}

/** In place of what was said of it before; the value as text. Admin. */
export const SetSetting = Rpc.make("SetSetting", {
  payload: { name: text(128), value: text(4096) },
  success: SettingRecord,
  error: Schema.Union([SettingRefused, RequestRefused])
})

/** Says whether it was set. Admin. */
export const UnsetSetting = Rpc.make("UnsetSetting", {
  payload: { name: text(128) },
  success: Schema.Struct({ wasSet: Schema.Boolean }),
  error: Schema.Union([SettingRefused, RequestRefused])
})

/** By name. Read. */
export const ListSettings = Rpc.make("ListSettings", {
  success: Schema.Array(SettingRecord).check(Schema.isMaxLength(256)),
  error: RequestRefused
})

export class AuditEntry extends Schema.Class<AuditEntry>("@piecework/cloud/AuditEntry")({
  /** Counts up. */
  place: Schema.Natural,
  /** Epoch milliseconds. */
  at: Schema.Natural,
  who: Schema.String,
  action: Schema.String,
  subject: Schema.String,
  detail: Schema.Record(Schema.String, Schema.Unknown)
}) {}

/** Who did what, the latest first, before that place. Read. */
export const ReadAudit = Rpc.make("ReadAudit", {
  payload: {
    before: Schema.optionalKey(Schema.Natural),
    most: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxPage }))
  },
  success: Schema.Array(AuditEntry),
  error: RequestRefused
})

export class ContentAdminRpcs extends RpcGroup.make(
  Publish,
  List,
  Show,
  Lookup,
  PublishUrl,
  Publications,
  SetPolicy,
  SetHalted,
  Unpublish,
  AddRule,
  ListRules,
  RemoveRule,
  SetSetting,
  UnsetSetting,
  ListSettings,
  ReadAudit
).middleware(CallerMiddleware) {}
