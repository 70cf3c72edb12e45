/**
 * Which contents an agent tells the service of, in `offers.json` of the state folder, so that `status` can say whose turn it is.
 * It is written when it changes and every minute; an older one is of an agent that is gone. A hostile one says nothing.
 */
import { randomBytes } from "node:crypto"
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ContentId } from "@piecework/domain/Content"
import type { Seeding } from "@piecework/download/Seeder"
import { Clock, Effect, Option, Schedule, Schema } from "effect"

const Offer = Schema.Struct({
  contentId: ContentId,
  why: Schema.Literals(["Asked", "Turn", "Waiting"]),
  /** Epoch milliseconds: when its turn begins, or may be over. */
  until: Schema.optionalKey(Schema.Finite)
})
export type Offer = typeof Offer.Type

const Offers = Schema.Struct({ at: Schema.Finite, offers: Schema.Array(Offer) })
const Stored = Schema.fromJsonString(Offers)
const decode = Schema.decodeUnknownOption(Stored)
const encode = Schema.encodeSync(Stored)

/** In milliseconds: between two looks; after which it is written again; after which it is not believed. */
const every = 10_000
const again = 60_000
const stale = 150_000
/** Longest file that is read, in bytes: some 10,000 contents. */
const longest = 2_097_152

const fileIn = (root: string) => join(root, "offers.json")

/** Keeps the file as long as it runs, and takes it away at the end. What cannot be written is missed by nobody but `status`. */
export const keepUp = (root: string, seeding: Seeding): Effect.Effect<never> => {
  let last = ""
  let writtenAt = Number.NEGATIVE_INFINITY
  const write = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const offers = seeding
      .contents()
      .map(({ contentId, offer: { until, why } }): Offer =>
        until === undefined ? { contentId, why } : { contentId, why, until }
      )
    const now = JSON.stringify(offers)
    if (now === last && at - writtenAt < again) return
    const draft = `${fileIn(root)}.${randomBytes(4).toString("hex")}`
    yield* Effect.tryPromise(() => writeFile(draft, encode({ at, offers }))).pipe(
      Effect.andThen(Effect.tryPromise(() => rename(draft, fileIn(root)))),
      Effect.tapError(() => Effect.promise(() => rm(draft, { force: true })))
    )
    last = now
    writtenAt = at
  }).pipe(Effect.catch((error) => Effect.logDebug("offers were not written", String(error.cause))))
  return Effect.andThen(Effect.repeat(write, Schedule.spaced(every)), Effect.never).pipe(
    Effect.ensuring(Effect.promise(() => rm(fileIn(root), { force: true })))
  )
}

/** What an agent that runs offers; nothing when none does. */
export const read = Effect.fn("Offers.read")(function* (
  root: string
): Effect.fn.Return<Option.Option<ReadonlyArray<Offer>>> {
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
    Option.map(({ offers }) => offers)
  )
})
