/** What nodes did, by minute and by hour, and all of them together. */
import type { NodeId } from "@piecework/cloud/CacheNode"
import { type FigureRow, type Grain, mostNodes, NodesOverview } from "@piecework/cloud/CacheNodeAdminRpcs"
import { Database } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Clock, Context, Duration, Effect, Layer } from "effect"
import { bits, percent, rowOf, secondsOf } from "./Figures.ts"
import * as FigureTables from "./internal/FigureTables.ts"
import * as NodeTable from "./internal/NodeTable.ts"
import { type Node, recordOf } from "./Node.ts"
import { Nodes } from "./Nodes.ts"
import { NodesConfig } from "./NodesConfig.ts"

/** Healthy and not; those that are switched off are counted in either as well. */
export interface Counts {
  readonly healthy: number
  readonly unhealthy: number
  readonly disabled: number
}

export class NodeFigures extends Context.Service<
  NodeFigures,
  {
    /** The oldest first: spans that begin at `from` or later and before `until`, epoch milliseconds. */
    readonly rows: (asked: {
      readonly node: Node
      readonly grain: Grain
      readonly from: number
      readonly until: number
      readonly most: number
    }) => Effect.Effect<ReadonlyArray<FigureRow>, DatabaseError>
    /** Of all nodes over the last hours. */
    readonly overview: (hours: number) => Effect.Effect<NodesOverview, DatabaseError>
    /** Forgets what is too old; answers how many rows went. `NodeSweeper` has it done from time to time. */
    readonly sweep: Effect.Effect<number, DatabaseError>
  }
>()("@piecework/nodes/NodeFigures") {
  /** `Nodes` makes the tables. */
  static readonly layer: Layer.Layer<NodeFigures, never, Database | Nodes | NodesConfig> = Layer.effect(
    NodeFigures,
    Effect.gen(function* () {
      yield* Nodes
      return make(yield* Database, yield* NodesConfig)
    })
  )
}

/** Nodes that are read at once. */
const atOnce = 200

const make = (
  { during, sql }: Database["Service"],
  { keepHours, keepMinutes, sweepStep }: NodesConfig["Service"]
): NodeFigures["Service"] => {
  const nodes = NodeTable.make(sql)
  const figures = FigureTables.make(sql)

  const counts = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const found = { healthy: 0, unhealthy: 0, disabled: 0 }
    let after: NodeId | "" | undefined = ""
    for (let page = 0; after !== undefined && page <= mostNodes / atOnce; page++) {
      const some: ReadonlyArray<Node> = yield* nodes.page({ after, most: atOnce })
      for (const node of some) {
        found[recordOf(node, now).health === "Healthy" ? "healthy" : "unhealthy"]++
        if (!node.settings.isEnabled) found.disabled++
      }
      after = some.length === atOnce ? some.at(-1)?.id : undefined
    }
    return found
  })

  return NodeFigures.of({
    rows: Effect.fn("NodeFigures.rows")(function* ({ from, grain, most, node, until }) {
      const millis = secondsOf(grain) * 1000
      const span = { grain, node: node.id, from: Math.ceil(from / millis), until: Math.ceil(until / millis), most }
      const hostName = node.last?.hostName ?? ""
      return (yield* figures.find(span)).map((row) =>
        rowOf({ at: row.span * millis, grain, nodeId: node.id, hostName }, row)
      )
    }, during("read the figures of a cache node")),

    overview: Effect.fn("NodeFigures.overview")(function* (hours) {
      const until = Math.floor((yield* Clock.currentTimeMillis) / 60_000)
      const sums = yield* figures
        .totals({ from: Math.max(0, until - hours * 60), until })
        .pipe(Effect.catchTag("NoSuchElementError", Effect.die))
      const seconds = hours * 3600
      return new NodesOverview({
        ...(yield* counts),
        maxOutboundbps: bits(sums.bestOut, 60),
        averageOutboundbps: bits(sums.bytesOut, seconds),
        maxInboundbps: bits(sums.bestIn, 60),
        averageInboundbps: bits(sums.bytesIn, seconds),
        served: sums.bytesOut,
        fromCache: sums.bytesFromCache,
        cacheEfficiency: percent(sums.bytesFromCache, sums.bytesOut)
      })
    }, during("read the figures of the cache nodes")),

    sweep: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const before = {
        minute: Math.floor((now - Duration.toMillis(keepMinutes)) / 60_000),
        hour: Math.floor((now - Duration.toMillis(keepHours)) / 3_600_000)
      }
      let gone = 0
      let some: number
      do {
        some = yield* figures.forgetSome(before, sweepStep)
        gone += some
        yield* Effect.yieldNow
      } while (some >= sweepStep)
      return gone
    }).pipe(during("forget old figures of cache nodes"), Effect.withSpan("NodeFigures.sweep"))
  })
}
