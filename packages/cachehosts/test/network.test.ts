import { networkInterfaces } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Host } from "@piecework/host"
import { Lan, Multicast } from "@piecework/lan"
import { isLocal } from "@piecework/transport/LocalAddress"
import { Effect, Exit, Layer, Schedule, Scope } from "effect"
import * as Announcing from "../src/Announcing.ts"
import { CacheHosts, type KnownHost } from "../src/CacheHosts.ts"

const hasNetwork = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address, family, internal }) => family === "IPv4" && !internal && isLocal(address) === true)
)

/** Sockets of its own, as another machine has them. */
const lan = () => Layer.fresh(Lan.Lan.layer.pipe(Layer.provide(Layer.fresh(Multicast.Multicast.layer))))

/** Others may announce on this network as well. */
const port = 20_000 + (process.pid % 40_000)

describe.skipIf(!hasNetwork)("Over real sockets", () => {
  it.live("a device finds a cache server that announces itself, and forgets it when it goes", () =>
    Effect.gen(function* () {
      const life = yield* Scope.fork(yield* Effect.scope)
      const server = yield* Layer.buildWithScope(lan(), life)
      yield* Announcing.announce({ instance: `test ${port}`, port, isTls: true }).pipe(
        Effect.provideContext(server),
        Scope.provide(life)
      )
      const hosts = yield* CacheHosts
      const mine = Effect.map(hosts.known, (known) => known.find(({ cache }) => cache.port === port))
      const until = (isSo: (found: KnownHost | undefined) => boolean) =>
        Effect.timeout(Effect.repeat(mine, { until: isSo, schedule: Schedule.spaced("20 millis") }), "20 seconds")
      yield* until((found) => found !== undefined)
      const found = yield* mine
      assert.isDefined(found)
      assert.strictEqual(found.cache.protocol, "https:")
      assert.strictEqual(found.cache.provider, "DnsSd")
      assert.isTrue(isLocal(found.cache.host))
      yield* Scope.close(life, Exit.void)
      yield* until((one) => one === undefined)
    }).pipe(
      Effect.provide(CacheHosts.layer({ lan: lan(), atOnce: true }).pipe(Layer.provide(Host.Host.layer()))),
      Effect.scoped
    )
  )
})
