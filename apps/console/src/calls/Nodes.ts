/** Questions about cache nodes, and what administrators do with them. */
import type { NodeChange, NodeId, NodeSettings } from "@piecework/cloud/CacheNode"
import {
  CacheNodeAdminRpcs,
  type Deployment,
  type FigureRow,
  maxPage,
  maxRows,
  type NodeRecord,
  type NodesOverview,
  path
} from "@piecework/cloud/CacheNodeAdminRpcs"
import { Effect } from "effect"
import * as Grain from "../view/Grain.ts"
import { type Ask, calls } from "./Service.ts"
import type { Question } from "./useAsk.ts"

const nodes = calls(CacheNodeAdminRpcs, path)

/** Most nodes that are shown in one list. */
export const mostShown = 1_000

export const list: Question<{ readonly nodes: ReadonlyArray<NodeRecord>; readonly isAll: boolean }> = {
  key: ["nodes", "list"],
  ask: nodes((client) =>
    Effect.gen(function* () {
      const found: Array<NodeRecord> = []
      let after: NodeId | undefined
      while (found.length < mostShown) {
        const reply = yield* client.List({ most: maxPage, ...(after === undefined ? {} : { after }) })
        found.push(...reply.nodes)
        after = reply.next
        if (after === undefined) return { nodes: found, isAll: true }
      }
      return { nodes: found, isAll: false }
    })
  )
}

export const one = (node: NodeId): Question<NodeRecord> => ({
  key: ["nodes", "one", node],
  ask: nodes((client) => client.Show({ node }))
})

/** All nodes together over the last 24 hours. */
export const overview: Question<NodesOverview> = {
  key: ["nodes", "overview"],
  ask: nodes((client) => client.Overview({ hours: 24 }))
}

/** Figures of a node: by minute over the last hours, or by hour over days. */
export const figures = (node: NodeId, hours: number): Question<ReadonlyArray<FigureRow>> => ({
  key: ["nodes", "figures", node, hours],
  ask: (signal) => {
    const until = Date.now()
    const grain = Grain.of(hours)
    return nodes((client) => client.Metrics({ node, grain, from: until - hours * 3_600_000, until, most: maxRows }))(
      signal
    )
  }
})

export const create = (settings: NodeSettings): Ask<NodeRecord> => nodes((client) => client.Create({ settings }))

export const update = (input: { readonly node: NodeId; readonly change: NodeChange }): Ask<NodeRecord> =>
  nodes((client) => client.Update(input))

export const remove = (node: NodeId): Ask<unknown> => nodes((client) => client.Delete({ node }))

export const deploy = (input: {
  readonly node: NodeId
  readonly groups: ReadonlyArray<string>
  readonly lifetimeSeconds: number
}): Ask<(typeof Deployment)["successSchema"]["Type"]> => nodes((client) => client.Deployment(input))
