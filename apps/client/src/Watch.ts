/** Shows a download while an effect runs: as one line on a terminal, or as lines of JSON for a program. */
import type { Progress } from "@piecework/download/Progress"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Schedule } from "effect"
import * as ProgressLine from "./view/ProgressLine.ts"

/** Looks a second; what rates are measured over; both in milliseconds. */
const every = 200
const span = 3_000

/** A progress line on standard error, taken away at the end. */
export const line =
  (progress: () => Progress) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Output> =>
    Effect.gen(function* () {
      const output = yield* Output
      const samples: Array<ProgressLine.Sample> = []
      const draw = Effect.gen(function* () {
        const after = { progress: progress(), now: yield* Clock.currentTimeMillis }
        samples.push(after)
        while (samples.length > 1 && after.now - (samples[0]?.now ?? 0) > span) samples.shift()
        yield* output.redraw(ProgressLine.render(samples[0] ?? after, after, output.columns()))
      })
      const drawing = Effect.repeat(draw, Schedule.spaced(every))
      return yield* Effect.raceFirst(effect, Effect.andThen(drawing, Effect.never)).pipe(
        Effect.ensuring(output.redraw(""))
      )
    })

/** A line of JSON on standard output for each look. */
export const events =
  (progress: () => Progress) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Output> =>
    Effect.gen(function* () {
      const output = yield* Output
      const tell = Effect.suspend(() => output.line(JSON.stringify({ progress: progress() })))
      const telling = Effect.repeat(tell, Schedule.spaced(every))
      return yield* Effect.raceFirst(effect, Effect.andThen(telling, Effect.never))
    })
