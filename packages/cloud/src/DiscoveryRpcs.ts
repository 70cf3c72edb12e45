/** Discovery: the Array instances to join, best first; one content, group and external IP get one instance. Source: spec.md §4.4. */
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { ClientVersion, CountryCode, EndpointUrl, ExperimentId, GroupId, ProfileBits } from "./Fields.ts"
import { RequestRefused } from "./RoleError.ts"

export class DiscoveryRequest extends Schema.Class<DiscoveryRequest>("@piecework/cloud/DiscoveryRequest")({
  /** In the path of `Discovery_EndpointFullUri`. */
  contentId: ContentId,
  /** `altCatalogId`. */
  altCatalogId: Schema.optionalKey(ContentUrl),
  /** A hint for the instance; 0 is none. `partitionId`. */
  partitionId: Schema.Natural,
  /** `CountryCode`. */
  countryCode: Schema.optionalKey(CountryCode),
  /** In Group mode only. Ours. */
  groupId: Schema.optionalKey(GroupId),
  /** `profile`. */
  profile: ProfileBits,
  /** `doClientVersion`. */
  clientVersion: ClientVersion,
  /** `eId`. */
  eId: Schema.optionalKey(ExperimentId)
}) {}

export class ArrayInstance extends Schema.Class<ArrayInstance>("@piecework/cloud/ArrayInstance")({
  /** `CollectiveArray`. */
  url: EndpointUrl
}) {}

export const Discover = Rpc.make("Discover", {
  payload: DiscoveryRequest,
  success: Schema.NonEmptyArray(ArrayInstance).check(Schema.isMaxLength(16)),
  error: RequestRefused
})

export class DiscoveryRpcs extends RpcGroup.make(Discover).middleware(CallerMiddleware) {}
