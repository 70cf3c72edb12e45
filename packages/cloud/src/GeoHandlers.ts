/** The Geo role: where the caller is as the service sees it, and where KeyValue is. */
import { Effect } from "effect"
import { Caller } from "./Caller.ts"
import { GeoReply, GeoRpcs } from "./GeoRpcs.ts"
import { endpointOf, RoleUrls } from "./RoleUrls.ts"

export const layer = GeoRpcs.toLayer(
  Effect.gen(function* () {
    const urls = yield* RoleUrls
    const answer = Effect.gen(function* () {
      const { externalIp } = yield* Caller
      const keyValueUrl = yield* endpointOf(urls, "KeyValue")
      // The address is all that may differ for one caller while the service runs.
      return new GeoReply({ externalIp, keyValueUrl, version: externalIp })
    })
    return GeoRpcs.of({
      Geo: () => answer,
      GeoVersion: () => Effect.map(answer, ({ version }) => ({ version }))
    })
  })
)
