/** Geo: how the service sees the caller, and where KeyValue is. Source: spec.md §4.1. */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { ClientVersion, CountryCode, EndpointUrl, GroupId, Ip, ProfileBits, text } from "./Fields.ts"

export class GeoRequest extends Schema.Class<GeoRequest>("@piecework/cloud/GeoRequest")({
  /** `doClientVersion`. */
  clientVersion: ClientVersion,
  /** `profile`. */
  profile: ProfileBits,
  /** Counts the calls of this client since its start. `callId`. */
  callId: Schema.Natural,
  /** In Group mode only. `groupID`. */
  groupId: Schema.optionalKey(GroupId)
}) {}

export class GeoReply extends Schema.Class<GeoReply>("@piecework/cloud/GeoReply")({
  /** `ExternalIpAddress`. */
  externalIp: Ip,
  /** `CountryCode`; absent when the service does not know. */
  countryCode: Schema.optionalKey(CountryCode),
  /** `KeyValue_EndpointFullUri`. */
  keyValueUrl: EndpointUrl,
  /** Changes when the answer would be another one; what `/geoversion` is asked for. */
  version: text(64)
}) {}

export const Geo = Rpc.make("Geo", { payload: GeoRequest, success: GeoReply })

/** Says whether what Geo told is still current: it is when the version is the same. */
export const GeoVersion = Rpc.make("GeoVersion", {
  payload: GeoRequest,
  success: Schema.Struct({ version: text(64) })
})

export class GeoRpcs extends RpcGroup.make(Geo, GeoVersion).middleware(CallerMiddleware) {}
