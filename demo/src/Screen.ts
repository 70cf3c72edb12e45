/** Shows a run while it goes on: repainted in place on a terminal, now and then a line where there is none. */
import { Clock, Effect, Ref, Schedule, type Scope, Terminal } from "effect"
import type { Board } from "./Board.ts"
import * as Ink from "./Ink.ts"
import * as View from "./View.ts"

const escape = "\u001b["

/** Writes `lines` over the `before` lines that were painted last. */
export const repaint = (lines: ReadonlyArray<string>, before: number): string =>
  `${before === 0 ? "" : `${escape}${before}A`}\r${lines.map((line) => `${escape}2K${line}\n`).join("")}${escape}J`

/** Five times a second until the scope closes, and once then, so that the last picture is the true one. */
export const paint = Effect.fn("Screen.paint")(function* (
  board: Effect.Effect<Board>
): Effect.fn.Return<void, never, Terminal.Terminal | Scope.Scope> {
  const terminal = yield* Terminal.Terminal
  const painted = yield* Ref.make(0)
  const once = Effect.gen(function* () {
    const paper = Ink.paperOf(process.env, yield* terminal.columns, yield* terminal.rows)
    const lines = View.render(yield* board, paper, yield* Clock.currentTimeMillis)
    const before = yield* Ref.getAndSet(painted, lines.length)
    yield* terminal.display(repaint(lines, before))
  }).pipe(Effect.ignore)
  yield* Effect.acquireRelease(Effect.ignore(terminal.display(`${escape}?25l`)), () =>
    once.pipe(Effect.andThen(Effect.ignore(terminal.display(`${escape}?25h`))))
  )
  yield* once.pipe(Effect.repeat(Schedule.spaced("200 millis")), Effect.forkScoped)
})

/** A line every two seconds, when it says something new. */
export const log = Effect.fn("Screen.log")(function* (
  board: Effect.Effect<Board>
): Effect.fn.Return<void, never, Terminal.Terminal | Scope.Scope> {
  const terminal = yield* Terminal.Terminal
  const last = yield* Ref.make("")
  const once = Effect.gen(function* () {
    const line = View.summaryLine(yield* board, yield* Clock.currentTimeMillis)
    if ((yield* Ref.getAndSet(last, line)) !== line && line !== "") yield* terminal.display(`${line}\n`)
  }).pipe(Effect.ignore)
  yield* once.pipe(Effect.repeat(Schedule.spaced("2 seconds")), Effect.forkScoped)
})
