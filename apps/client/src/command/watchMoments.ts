/** What `piecework watch` does with the moments that the agent tells. */
import type { Moment } from "@piecework/client/Activity"
import { Agent } from "@piecework/client/Agent"
import * as Ending from "@piecework/terminal/Ending"
import { Output } from "@piecework/terminal/Output"
import { Effect, Stream } from "effect"
import * as Screen from "../Screen.ts"
import * as WatchView from "../view/WatchView.ts"
import type * as anAgent from "./anAgent.ts"
import { withAgent } from "./withAgent.ts"

export interface Input extends anAgent.Input {
  /** Seconds. */
  readonly every: number
  readonly json: boolean
}

/** Peers of each content that are told. */
const peers = 50

export const run = Effect.fnUntraced(function* (input: Input) {
  const watching = Effect.gen(function* () {
    const agent = yield* Agent
    const moments = agent.moments({ everyMillis: input.every * 1000, peers })
    if (input.json) return yield* lines(moments)
    return yield* Screen.isThere() ? screen(moments) : once(moments)
  })
  yield* watching.pipe(Effect.scoped, withAgent(input))
})

/** For programs: until they have had enough. */
const lines = Effect.fnUntraced(function* <E>(moments: Stream.Stream<Moment, E>) {
  const output = yield* Output
  yield* Ending.settled
  yield* Stream.runForEach(moments, (moment) => output.line(JSON.stringify(moment)))
})

/** For a pipe or a file: one moment, whole. */
const once = Effect.fnUntraced(function* <E>(moments: Stream.Stream<Moment, E>) {
  const output = yield* Output
  yield* Stream.runForEach(Stream.take(moments, 1), (moment) => {
    const { DownlinkUsageBps, UplinkUsageBps } = moment.Perf
    const scene = { moment, down: [DownlinkUsageBps], up: [UplinkUsageBps], style: WatchView.plain }
    return output.line(WatchView.render({ ...scene, columns: 160, rows: Number.POSITIVE_INFINITY }).join("\n"))
  })
})

/** Rates that are remembered. */
const remembered = 200

const screen = Effect.fnUntraced(function* <E>(moments: Stream.Stream<Moment, E>) {
  const shown = yield* Screen.open
  // To be told to stop is how it ends.
  yield* Ending.settled
  const style = process.env["NO_COLOR"] ? WatchView.plain : WatchView.coloured
  const down: Array<number> = []
  const up: Array<number> = []
  let last: Moment | undefined
  const foot = style.faint("q quits")
  const draw = Effect.suspend(() => {
    if (last === undefined) return Effect.void
    const [columns, rows] = [shown.columns(), shown.rows()]
    const body = WatchView.render({ moment: last, down, up, columns, rows: Math.max(1, rows - 2), style })
    const gap = Array.from({ length: Math.max(0, rows - 1 - body.length) }, () => "")
    return shown.show([...body, ...gap, foot].slice(0, rows))
  })
  const redraw = yield* Effect.map(Effect.context<never>(), (context) => Effect.runForkWith(context))
  yield* shown.onResize(() => void redraw(draw))
  const showing = Stream.runForEach(moments, (moment) => {
    last = moment
    down.push(moment.Perf.DownlinkUsageBps)
    up.push(moment.Perf.UplinkUsageBps)
    if (down.length > remembered) down.shift()
    if (up.length > remembered) up.shift()
    return draw
  })
  yield* Effect.raceFirst(showing, shown.left)
})
