/** Keeps the cache within its rules while a command runs on, and says what went. */
import { CacheKeeper, type Gone } from "@piecework/cache/CacheKeeper"
import { sentenceOf } from "@piecework/cache/CacheRules"
import type { CacheError } from "@piecework/cache/CacheError"
import type { Seeding } from "@piecework/download/Seeder"
import { Effect, Schedule } from "effect"

/** Often enough that a disk which fills up finds the cache giving way; each look reads the records of all contents. */
const every = "1 minute"

/** What went is served no more at once, and its room is free. */
export const fromTimeToTime = (seeding: Seeding) =>
  Effect.gen(function* () {
    const keeper = yield* CacheKeeper
    // What others deleted frees its room first, so that nothing goes in its stead.
    const pass = Effect.gen(function* () {
      yield* seeding.look
      const gone = yield* keeper.keep()
      yield* Effect.forEach(gone, told)
      if (gone.length > 0) yield* seeding.look
    }).pipe(Effect.catch((error: CacheError) => Effect.logWarning(error.message)))
    yield* Effect.forkScoped(Effect.repeat(pass, Schedule.spaced(every)))
  })

const told = ({ bytes, contentId, why }: Gone) =>
  Effect.annotateLogs(Effect.logInfo(`Deleted a content from the cache: ${sentenceOf(why)}.`), {
    content: contentId ?? "of an interrupted download",
    bytes
  })
