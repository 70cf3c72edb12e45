/**
 * The board of a cluster: one entity in one of its processes, to which the others send their bulletins, and which any process asks. Its
 * state is soft: where it is begun anew the next bulletins fill it, but for the history.
 */
import { ContentId } from "@piecework/domain/Content"
import { Clock, Effect, Schema } from "effect"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Board } from "./Board.ts"
import { Bulletin, Line } from "./Bulletin.ts"
import { LiveTotals } from "./LiveView.ts"

const Post = Rpc.make("Post", { payload: { bulletin: Bulletin } })
const Totals = Rpc.make("Totals", { success: LiveTotals })
const History = Rpc.make("History", { payload: { after: Schema.Natural }, success: Schema.Array(LiveTotals) })
const List = Rpc.make("List", {
  payload: {
    skip: Schema.Natural,
    most: Schema.Natural,
    order: Schema.Literals(["Members", "Rate"]),
    contentId: Schema.optionalKey(ContentId)
  },
  success: Schema.Struct({
    at: Schema.Natural,
    count: Schema.Natural,
    lines: Schema.Array(Line),
    next: Schema.optionalKey(Schema.Natural)
  })
})

export const BoardEntity = Entity.make("Board", [Post, Totals, History, List])

/** There is one. */
export const id = "all"

export const layer = BoardEntity.toLayer(
  Effect.sync(() => {
    const board = new Board()
    const now = Clock.currentTimeMillis
    return BoardEntity.of({
      Post: ({ payload: { bulletin } }) => Effect.map(now, (at) => board.hear(bulletin, at)),
      Totals: () => Effect.map(now, (at) => board.totals(at)),
      History: ({ payload: { after } }) => Effect.succeed(board.history(after)),
      List: ({ payload }) => Effect.map(now, (at) => board.list(payload, at))
    })
  })
)
