/** KeyValue: settings from the service, and where the other roles are. Source: spec.md §4.2. */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { CacheHost, ClientVersion, CountryCode, EndpointUrl, ExperimentId, ProfileBits, text } from "./Fields.ts"

export class KeyValueRequest extends Schema.Class<KeyValueRequest>("@piecework/cloud/KeyValueRequest")({
  /** `doClientVersion`. */
  clientVersion: ClientVersion,
  /** As Geo told. `countryCode`. */
  countryCode: Schema.optionalKey(CountryCode),
  /** `profile`. */
  profile: ProfileBits,
  /** Name of the cache node that the client uses. `CacheId`. */
  cacheId: Schema.optionalKey(text(128)),
  /** The cache server in use, as DOCacheHost would name it. `CacheHost`. */
  cacheHost: Schema.optionalKey(CacheHost),
  /** `eId`. */
  eId: Schema.optionalKey(ExperimentId)
}) {}

/** A setting's value as the service gives it; `policy` knows the type of each name. */
export const SettingValue = Schema.Union([text(4096), Schema.Finite, Schema.Boolean])

/** A cache server that the service names. */
export const CacheServer = Schema.Struct({
  /** A name or an IP address. */
  host: text(253),
  port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })),
  /** It is to be asked by https. */
  isTls: Schema.Boolean
})
export type CacheServer = typeof CacheServer.Type

export class KeyValueReply extends Schema.Class<KeyValueReply>("@piecework/cloud/KeyValueReply")({
  /** `ContentPolicy_EndpointFullUri`. */
  contentPolicyUrl: EndpointUrl,
  /** `Discovery_EndpointFullUri`. */
  discoveryUrl: EndpointUrl,
  /** Where devices report to; absent when the service takes no reports. Ours. */
  reportsUrl: Schema.optionalKey(EndpointUrl),
  /** For how long the client keeps this, and Geo's answer, in seconds. `KVFileExpirationTime` is the point in time. */
  expiresInSeconds: Schema.Natural,
  /** Callers whose downloads may use peers; absent means all. `Client_RegisteredCallersFilterList`. */
  registeredCallers: Schema.optionalKey(Schema.Array(text(256)).check(Schema.isMaxLength(256))),
  /** Cache servers for devices at the caller's address, best first. Ours; Microsoft's service tells them as well, by a field that is not public. */
  cacheHosts: Schema.optionalKey(Schema.Array(CacheServer).check(Schema.isMaxLength(16))),
  /** Any client default, under its setting's name. */
  settings: Schema.Record(text(128), SettingValue).check(Schema.isMaxProperties(256))
}) {}

export const KeyValue = Rpc.make("KeyValue", { payload: KeyValueRequest, success: KeyValueReply })

export class KeyValueRpcs extends RpcGroup.make(KeyValue).middleware(CallerMiddleware) {}
