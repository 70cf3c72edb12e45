/**
 * What an agent tells other commands of itself, in a file of the state folder. It is written when it changes and every minute; an older
 * one is of an agent that is gone. A hostile one says nothing.
 */
import { randomBytes } from "node:crypto"
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Effect, Option, Schedule, Schema } from "effect"

/** In milliseconds: between two looks; after which it is written again; after which it is not believed. */
const every = 10_000
const again = 60_000
const stale = 150_000
/** Longest file that is read, in bytes: some 10,000 contents. */
const longest = 2_097_152

export interface AgentNote<A> {
  /** Keeps the file as long as it runs, and takes it away at the end. What cannot be written is missed by nobody but other commands. */
  readonly keepUp: (root: string, current: Effect.Effect<A>) => Effect.Effect<never>
  /** What an agent that runs says; nothing when none does. */
  readonly read: (root: string) => Effect.Effect<Option.Option<A>>
}

/** One that is kept in the file `name`, under its own key `what`. */
export const make = <A, I>(name: string, what: string, schema: Schema.Codec<A, I>): AgentNote<A> => {
  const Stored = Schema.fromJsonString(Schema.Struct({ at: Schema.Finite, [what]: Schema.Unknown }))
  const decode = Schema.decodeUnknownOption(Stored)
  const decodeSaid = Schema.decodeUnknownOption(schema)
  const encodeSaid = Schema.encodeSync(schema)
  const fileIn = (root: string) => join(root, name)

  const keepUp: AgentNote<A>["keepUp"] = (root, current) => {
    let last = ""
    let writtenAt = Number.NEGATIVE_INFINITY
    const write = Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      const said = encodeSaid(yield* current)
      const now = JSON.stringify(said)
      if (now === last && at - writtenAt < again) return
      const draft = `${fileIn(root)}.${randomBytes(4).toString("hex")}`
      yield* Effect.tryPromise(() => writeFile(draft, JSON.stringify({ at, [what]: said }))).pipe(
        Effect.andThen(Effect.tryPromise(() => rename(draft, fileIn(root)))),
        Effect.tapError(() => Effect.promise(() => rm(draft, { force: true })))
      )
      last = now
      writtenAt = at
    }).pipe(Effect.catch((error) => Effect.logDebug(`${what} were not written`, String(error.cause))))
    return Effect.andThen(Effect.repeat(write, Schedule.spaced(every)), Effect.never).pipe(
      Effect.ensuring(Effect.promise(() => rm(fileIn(root), { force: true })))
    )
  }

  const read: AgentNote<A>["read"] = Effect.fn("AgentNote.read")(function* (root) {
    const text = yield* Effect.option(
      Effect.tryPromise(async () => {
        const info = await stat(fileIn(root))
        if (!info.isFile() || info.size > longest) throw new Error("not such a file")
        return await readFile(fileIn(root), "utf8")
      })
    )
    const now = yield* Clock.currentTimeMillis
    return text.pipe(
      Option.flatMap(decode),
      Option.filter(({ at }) => at <= now && now - at < stale),
      Option.flatMap((note) => decodeSaid(note[what]))
    )
  })

  return { keepUp, read }
}
