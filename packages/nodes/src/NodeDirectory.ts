/**
 * Which cache servers a caller is told of, from memory: a look costs no query. One query a second brings what changed, whoever
 * changed it. While the database fails, the directory goes by what it knew last.
 */
import type { CacheServer } from "@piecework/cloud/KeyValueRpcs"
import type { Identity } from "@piecework/cloud/Identity"
import type { NodeId } from "@piecework/cloud/CacheNode"
import { Clock, Context, Effect, Layer, Schedule } from "effect"
import { choose, type Known } from "./Choosing.ts"
import { healthOf } from "./Health.ts"
import * as Networks from "./Networks.ts"
import { knownOf, type Node } from "./Node.ts"
import type { Counts } from "./NodeFigures.ts"
import { Nodes } from "./Nodes.ts"
import { NodesConfig } from "./NodesConfig.ts"
import { rangesAt, withoutZone } from "./Site.ts"

export class NodeDirectory extends Context.Service<
  NodeDirectory,
  {
    /** For devices at that address, best first; the order is the device's own, or the address's where nobody said who it is. */
    readonly serversFor: (caller: {
      readonly externalIp: string
      readonly identity: Identity
    }) => ReadonlyArray<CacheServer>
    readonly counts: Effect.Effect<Counts>
  }
>()("@piecework/nodes/NodeDirectory") {
  static readonly layer: Layer.Layer<NodeDirectory, never, Nodes | NodesConfig> = Layer.effect(
    NodeDirectory,
    Effect.suspend(() => make)
  )
}

/** Nodes that are read at once: a few milliseconds of this thread. */
const atOnce = 200

const make = Effect.gen(function* () {
  const nodes = yield* Nodes
  const { privateNetworks, refreshEvery } = yield* NodesConfig
  const clock = yield* Clock.Clock
  let known = new Map<NodeId, Known>()
  let networks = Networks.make<Known>()
  let version = 0
  let isFailing = false

  const rangesOf = ({ last, settings }: Node): ReadonlyArray<string> => {
    if (settings.ranges.length > 0) return settings.ranges
    return last === null ? [] : rangesAt(last.externalIp, privateNetworks)
  }

  const refresh = Effect.gen(function* () {
    let next = { known, networks, version }
    while (true) {
      const changes = yield* nodes.changes({ version: next.version, most: atOnce })
      if (changes.isAnew) {
        next = { known: new Map(), networks: Networks.make(), version: 0 }
        continue
      }
      for (const node of changes.nodes) {
        const before = next.known.get(node.id)
        if (before !== undefined) next.networks.delete(before)
        const after = knownOf(node)
        next.known.set(node.id, after)
        next.networks.set(after, rangesOf(node))
        next.version = node.version
      }
      if (changes.nodes.length < atOnce) break
    }
    ;({ known, networks, version } = next)
  })
  const refreshOrTell = refresh.pipe(
    Effect.andThen(() => {
      const wasFailing = isFailing
      isFailing = false
      return wasFailing ? Effect.logInfo("The cache nodes can be read again.") : Effect.void
    }),
    Effect.catch((error) => {
      const wasFailing = isFailing
      isFailing = true
      return wasFailing
        ? Effect.void
        : Effect.logError(`${error.message} Devices are told of the cache nodes known before.`)
    })
  )

  yield* refreshOrTell
  yield* refreshOrTell.pipe(Effect.repeat(Schedule.spaced(refreshEvery)), Effect.delay(refreshEvery), Effect.forkScoped)

  return NodeDirectory.of({
    serversFor: ({ externalIp: seen, identity }) => {
      if (known.size === 0) return []
      const externalIp = withoutZone(seen)
      const matches = networks.at(externalIp)
      if (matches.length === 0) return []
      const key = identity._tag === "Device" ? identity.id : externalIp
      return choose(matches, { externalIp, key }, clock.currentTimeMillisUnsafe())
    },
    counts: Effect.sync(() => {
      const now = clock.currentTimeMillisUnsafe()
      const found = { healthy: 0, unhealthy: 0, disabled: 0 }
      for (const { isEnabled, last } of known.values()) {
        const health = healthOf(last === undefined ? undefined : { seenAt: last.at, state: last.state }, now)
        found[health === "Healthy" ? "healthy" : "unhealthy"]++
        if (!isEnabled) found.disabled++
      }
      return found
    })
  })
})
