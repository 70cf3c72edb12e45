/** Cache servers of the local network, as long as it is asked for them. */
import type { NetworkInterface } from "@piecework/host/NetworkInterface"
import { Lan } from "@piecework/lan/Lan"
import * as Names from "@piecework/lan/Names"
import { Effect, type Layer } from "effect"
import type { Place } from "../CacheHost.ts"
import * as Nearby from "../Nearby.ts"

/** Calls with all that count at each change, until it is interrupted. */
export const browseFor = (
  way: Layer.Layer<Lan>,
  interfaces: Effect.Effect<ReadonlyArray<NetworkInterface>>,
  found: (places: ReadonlyArray<Place>) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const lan = yield* Lan
    yield* lan.find(Names.cacheServer, (services) =>
      Effect.flatMap(interfaces, (own) => found(Nearby.places(services, own)))
    )
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(way))
