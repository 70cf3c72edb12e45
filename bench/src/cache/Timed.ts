/** Files by curl, and how long each took as curl says it: without the start of its process. */
import { Effect, Schema } from "effect"
import { type Invocation, Meter, ProgramError } from "../Meter.ts"
import type { Asked } from "./Requests.ts"

const Line = Schema.fromJsonString(
  Schema.Struct({ firstByte: Schema.Finite, total: Schema.Finite, bytes: Schema.Finite, status: Schema.Finite })
)

export interface Timed {
  /** Seconds from the start of the transfer. */
  readonly firstByte: number
  readonly total: number
}

/** One transfer after the other by one process, so that all but the first may use its connection. `range` as in HTTP: "0-1023". */
export const curl = (asked: ReadonlyArray<Asked>, output: string, range?: string): Invocation => ({
  name: "curl",
  command: "curl",
  args: asked.flatMap(({ headers, url }, i) => [
    ...(i === 0 ? [] : ["--next"]),
    "--silent",
    "--show-error",
    "--fail",
    "--noproxy",
    "*",
    "--write-out",
    '{"firstByte":%{time_starttransfer},"total":%{time_total},"bytes":%{size_download},"status":%{http_code}}\\n',
    ...(range === undefined ? [] : ["--range", range]),
    ...headers.flatMap((header) => ["--header", header]),
    "--output",
    output,
    url
  ])
})

/** Fails unless each transfer brought so many bytes. */
export const run = Effect.fn("Timed.run")(function* (invocation: Invocation, bytes: number, limitMillis: number) {
  const meter = yield* Meter
  const { stdout } = yield* meter.run(invocation, limitMillis)
  return yield* Effect.forEach(stdout.trim().split("\n"), (line) =>
    Schema.decodeUnknownEffect(Line)(line).pipe(
      Effect.mapError(
        (cause) =>
          new ProgramError({ name: invocation.name, reason: "Unintelligible", detail: line.slice(0, 200), cause })
      ),
      Effect.filterOrFail(
        (timed) => timed.bytes === bytes,
        () => new ProgramError({ name: invocation.name, reason: "WrongBytes", detail: line })
      ),
      Effect.map(({ firstByte, total }): Timed => ({ firstByte, total }))
    )
  )
})
