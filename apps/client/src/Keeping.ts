/** Keeps the cache within its rules while a command runs on, and says what went. */
import type { CacheError } from "@piecework/cache/CacheError"
import { CacheKeeper, type Gone } from "@piecework/cache/CacheKeeper"
import { sentenceOf } from "@piecework/cache/CacheRules"
import { Effect, Schedule } from "effect"

/** Often enough that a disk which fills up finds the cache giving way; each look reads the records of all contents. */
const every = "1 minute"

/** Has whoever serves contents look at the cache, so that what is gone is let go, and its room is free. */
export type Look = Effect.Effect<void, CacheError>

export const fromTimeToTime = (look: () => Look) =>
  Effect.gen(function* () {
    const keeper = yield* CacheKeeper
    // What others deleted frees its room first, so that nothing goes in its stead.
    const pass = Effect.gen(function* () {
      yield* look()
      const gone = yield* keeper.keep()
      yield* Effect.forEach(gone, told)
      if (gone.length > 0) yield* look()
    }).pipe(Effect.catch((error: CacheError) => Effect.logWarning(error)))
    yield* Effect.forkScoped(Effect.repeat(pass, Schedule.spaced(every)))
  })

const told = ({ bytes, contentId, why }: Gone) =>
  Effect.annotateLogs(Effect.logInfo(`Deleted a content from the cache: ${sentenceOf(why)}.`), {
    content: contentId ?? "of an interrupted download",
    bytes
  })
