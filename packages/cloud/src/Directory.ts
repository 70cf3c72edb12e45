/** The three roles that tell a client where it is and whom to ask: Geo, KeyValue and Discovery, for a service that has all roles under one URL. */
import { Effect, Layer } from "effect"
import { Caller } from "./Caller.ts"
import { ArrayInstance, DiscoveryRpcs } from "./DiscoveryRpcs.ts"
import { EndpointUrl } from "./Fields.ts"
import { GeoReply, GeoRpcs } from "./GeoRpcs.ts"
import { KeyValueReply, KeyValueRpcs } from "./KeyValueRpcs.ts"
import { paths, type Role } from "./Role.ts"

export interface Options {
  /** Client defaults that the service sets, by the setting's name. Default none. */
  readonly settings?: KeyValueReply["settings"]
  /** For how long clients keep what they are told, in seconds. Default one hour. */
  readonly expiresInSeconds?: number
  /** Whether the service takes reports. Default true. */
  readonly reports?: boolean
}

export const layer = (options?: Options) =>
  Layer.mergeAll(
    GeoRpcs.toLayer({
      Geo: () =>
        Effect.gen(function* () {
          const { externalIp } = yield* Caller
          const keyValueUrl = yield* under("KeyValue")
          return new GeoReply({ externalIp, keyValueUrl, version: externalIp })
        }),
      // The answer depends on the address alone, so the address is its version.
      GeoVersion: () => Effect.map(Caller, ({ externalIp }) => ({ version: externalIp }))
    }),
    KeyValueRpcs.toLayer({
      KeyValue: () =>
        Effect.gen(function* () {
          return new KeyValueReply({
            contentPolicyUrl: yield* under("ContentPolicy"),
            discoveryUrl: yield* under("Discovery"),
            ...(options?.reports === false ? {} : { reportsUrl: yield* under("Reports") }),
            expiresInSeconds: options?.expiresInSeconds ?? 3600,
            settings: options?.settings ?? {}
          })
        })
    }),
    DiscoveryRpcs.toLayer({
      Discover: () => Effect.map(under("Array"), (url) => [new ArrayInstance({ url })] as const)
    })
  )

/** Where the caller finds a role: under the URL that brought it here. */
const under = (role: Role) => Effect.map(Caller, ({ baseUrl }) => EndpointUrl.make(baseUrl + paths[role]))
