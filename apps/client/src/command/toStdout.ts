/** `-o -`: the content goes to standard output while it arrives, for `| tar x` and the like. Loaded when it is wanted. */
import { write } from "node:fs"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import type { Progress } from "@piecework/download/Progress"
import { Effect, Option, Schema, Stream } from "effect"
import { exitCodes } from "../ExitCode.ts"
import * as Watch from "../Watch.ts"

/** Why it makes no sense, if it does not. */
export const refuse = (input: {
  readonly json: boolean
  readonly events: boolean
  readonly overwrite: boolean
  readonly link: boolean
  readonly detach: boolean
  readonly seed: Option.Option<unknown>
}): Effect.Effect<void, Failure> => {
  const given = { ...input, seed: Option.isSome(input.seed) }
  const said = (["json", "events", "overwrite", "link", "detach", "seed"] as const).filter((flag) => given[flag])
  if (said.length > 0) {
    const flags = said.map((flag) => `--${flag}`).join(", ")
    return fail(`${flags}: that does not go with -o -, which sends the content to standard output.`, exitCodes.usage)
  }
  return process.stdout.isTTY === true
    ? fail("Standard output is a terminal; name a file, or send the content to a program.", exitCodes.usage)
    : Effect.void
}

/** Ends with the content, or as soon as nobody reads any more. */
export const pour = <E>(
  bytes: Stream.Stream<Uint8Array, E>,
  progress: () => Progress
): Effect.Effect<void, E | Failure, Output> =>
  Effect.gen(function* () {
    const output = yield* Output
    const pouring = Stream.runForEach(bytes, put).pipe(
      Effect.catchIf(
        (error): error is Unread => error instanceof Unread,
        () => Effect.void
      )
    )
    yield* output.isWatched ? Watch.line(progress)(pouring) : pouring
  })

/** Nobody reads standard output any more. */
class Unread extends Schema.TaggedError<Unread>()("Unread", {}) {}

/** Not by `process.stdout`: where that is a pipe a slow reader would hold up the whole process. */
const put = Effect.fnUntraced(function* (chunk: Uint8Array): Effect.fn.Return<void, Failure | Unread> {
  let at = 0
  while (at < chunk.length) {
    const done = yield* Effect.callback<number | string>((resume) =>
      write(1, chunk, at, chunk.length - at, null, (error, written) =>
        resume(Effect.succeed(error === null ? written : (error.code ?? error.message)))
      )
    )
    if (typeof done === "number") at += done
    // Whoever shares it made it so that nobody waits there.
    else if (done === "EAGAIN") yield* Effect.sleep("5 millis")
    else if (done === "EPIPE") return yield* new Unread()
    else if (done === "ENOSPC" || done === "EDQUOT") {
      return yield* fail("The disk that standard output goes to is full; the output is not whole.", exitCodes.diskFull)
    } else {
      return yield* fail(`Standard output cannot be written (${done}); the output is not whole.`, exitCodes.unexpected)
    }
  }
})

const fail = (sentence: string, code: number): Effect.Effect<never, Failure> =>
  Effect.fail(new Failure({ sentence, code }))
