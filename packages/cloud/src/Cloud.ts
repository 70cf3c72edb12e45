/**
 * The cloud services as a download uses them: one method a role, and `lookup`, which goes through Geo, KeyValue and
 * ContentPolicy. Answers are hostile until decoded: whatever comes back, or does not, every method ends within the time
 * limit with a value of the contract or a `CloudError`.
 */
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Context, type Effect } from "effect"
import type { Handout, JoinRequest, LeaveRequest } from "./ArrayRpcs.ts"
import type { CloudError } from "./CloudError.ts"
import type { ContentPolicyReply } from "./ContentPolicyRpcs.ts"
import type { ArrayInstance } from "./DiscoveryRpcs.ts"
import type { EndpointUrl } from "./Fields.ts"
import type { GeoReply } from "./GeoRpcs.ts"
import type { KeyValueReply } from "./KeyValueRpcs.ts"

/** A content by its id, or by its URL at the origin. */
export type ContentQuery = { readonly contentId: ContentId } | { readonly url: ContentUrl }

/** What the service told about this client and its roles; kept until it expires. */
export interface Whereabouts {
  readonly geo: GeoReply
  readonly keyValue: KeyValueReply
}

/** Everything known about a content before its first byte. */
export interface Lookup extends Whereabouts {
  readonly policy: ContentPolicyReply
}

export class Cloud extends Context.Service<
  Cloud,
  {
    /** Asks Geo and KeyValue, or answers what they said while it is current; callers at one time share one asking. */
    readonly whereabouts: Effect.Effect<Whereabouts, CloudError>
    /** `whereabouts` and the content's policy. Endpoints that fail are asked for again once. */
    readonly lookup: (content: ContentQuery) => Effect.Effect<Lookup, CloudError>
    readonly geo: Effect.Effect<GeoReply, CloudError>
    readonly keyValue: (geo: GeoReply) => Effect.Effect<KeyValueReply, CloudError>
    readonly contentPolicy: (
      whereabouts: Whereabouts,
      content: ContentQuery
    ) => Effect.Effect<ContentPolicyReply, CloudError>
    /** The Array instances for the content, best first; at least one. */
    readonly discover: (
      whereabouts: Whereabouts,
      contentId: ContentId
    ) => Effect.Effect<readonly [ArrayInstance, ...ReadonlyArray<ArrayInstance>], CloudError>
    /** Joins the swarm, or joins it again. The handout's `nextJoin` is at least 500 ms and at most an hour, whatever came. */
    readonly join: (array: EndpointUrl, request: JoinRequest) => Effect.Effect<Handout, CloudError>
    readonly leave: (array: EndpointUrl, request: LeaveRequest) => Effect.Effect<void, CloudError>
  }
>()("@piecework/cloud/Cloud") {}
