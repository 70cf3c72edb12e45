/** The KeyValue role: the settings that the service gives its clients, where ContentPolicy, Discovery and Reports are, and which cache servers are near. */
import { Effect } from "effect"
import { Caller } from "./Caller.ts"
import { type CacheServer, KeyValueReply, KeyValueRpcs } from "./KeyValueRpcs.ts"
import { endpointOf, RoleUrls } from "./RoleUrls.ts"

export interface Options {
  /** Client defaults that the service sets, by the setting's name; looked up for each call. Default none. */
  readonly settings?: Effect.Effect<KeyValueReply["settings"]>
  /** For how long clients keep what they are told, in seconds. Default one hour. */
  readonly expiresInSeconds?: number
  /** Whether the service takes reports. Default true. */
  readonly takesReports?: boolean
  /** Cache servers for devices where the caller is, best first; asked in each call, so it must be quick. Default none. */
  readonly cacheHosts?: (caller: Caller["Service"]) => ReadonlyArray<CacheServer>
}

export const layer = (options?: Options) =>
  KeyValueRpcs.toLayer(
    Effect.gen(function* () {
      const urls = yield* RoleUrls
      return KeyValueRpcs.of({
        KeyValue: () =>
          Effect.gen(function* () {
            const cacheHosts = options?.cacheHosts?.(yield* Caller) ?? []
            return new KeyValueReply({
              contentPolicyUrl: yield* endpointOf(urls, "ContentPolicy"),
              discoveryUrl: yield* endpointOf(urls, "Discovery"),
              ...(options?.takesReports === false ? {} : { reportsUrl: yield* endpointOf(urls, "Reports") }),
              expiresInSeconds: options?.expiresInSeconds ?? 3600,
              ...(cacheHosts.length === 0 ? {} : { cacheHosts }),
              settings: options?.settings === undefined ? {} : yield* options.settings
            })
          })
      })
    })
  )
