/** Where the measured line is remembered over restarts. A file that cannot be understood says nothing. */
import { Effect, FileSystem, Schema } from "effect"
import type { Capacity } from "./Capacity.ts"

const Entry = Schema.Struct({
  /** Bytes a second; no line is faster than this. */
  rate: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 1e12 })),
  at: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 8.64e15 }))
})

const Content = Schema.fromJsonString(Schema.Struct({ down: Schema.optionalKey(Entry), up: Schema.optionalKey(Entry) }))

/** Far more than we write. */
const maxLength = 4096

export interface Remembered {
  readonly down?: Capacity | undefined
  readonly up?: Capacity | undefined
}

/** What the file says; nothing when it is not there, too long or damaged. */
export const read = (path: string): Effect.Effect<Remembered, never, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const { size } = yield* fs.stat(path)
    if (Number(size) > maxLength) return {}
    return yield* Schema.decodeUnknownEffect(Content)(yield* fs.readFileString(path))
  }).pipe(Effect.orElseSucceed(() => ({})))

/** Written beside and renamed, so that nobody reads half of it. What fails is told in the log: it is measured again. */
export const write = (path: string, { down, up }: Remembered): Effect.Effect<void, never, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const beside = `${path}.${process.pid}.part`
    const text = yield* Schema.encodeEffect(Content)({
      ...(down === undefined ? {} : { down }),
      ...(up === undefined ? {} : { up })
    })
    yield* fs.writeFileString(beside, text)
    yield* fs.rename(beside, path)
  }).pipe(Effect.catch((error) => Effect.logDebug("the measured capacity of the line was not kept", error)))
