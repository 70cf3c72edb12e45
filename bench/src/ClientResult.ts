/** What `piecework get --json` prints, as far as the bench looks at it. */
import { BytesBySource, fromPeers } from "@piecework/domain/SourceKind"
import { Effect, Schema } from "effect"
import { ProgramError } from "./Meter.ts"

export const ClientResult = Schema.Struct({
  fileBytes: Schema.Natural,
  mode: Schema.String,
  why: Schema.Struct({ reason: Schema.String }),
  bytes: BytesBySource,
  /** Bytes that came and were of no use. */
  waste: Schema.Struct({ bad: Schema.Natural, duplicate: Schema.Natural, cancelled: Schema.Natural })
})
export interface ClientResult extends Schema.Schema.Type<typeof ClientResult> {}

const decodeLine = Schema.decodeUnknownEffect(Schema.fromJsonString(ClientResult))

const error = (reason: ProgramError["reason"], detail: string, cause?: unknown) =>
  new ProgramError({ name: "piecework", reason, detail, ...(cause === undefined ? {} : { cause }) })

/** Fails unless all of the file came from where the contest wants it to come from. */
export const expectSource = Effect.fnUntraced(function* (stdout: string, source: "origin" | "peers", size: number) {
  const { bytes, mode, why } = yield* decodeLine(stdout.trim()).pipe(
    Effect.mapError((cause) => error("Unintelligible", stdout.slice(0, 200), cause))
  )
  const came = source === "origin" ? bytes.Origin : fromPeers(bytes)
  if (came === size) return
  return yield* error("WrongBytes", `${came} of ${size} bytes came from ${source} (mode ${mode}: ${why.reason})`)
})
