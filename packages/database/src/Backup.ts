/** A copy of a database in a file, made while services use it. */
import { open, rename, rm, stat } from "node:fs/promises"
import { backup, DatabaseSync } from "node:sqlite"
import { Effect } from "effect"
import { DatabaseError, fromTrouble } from "./DatabaseError.ts"
import { attempt, troubleOf } from "./Sqlite.ts"

/** Pages of 4 KiB that are copied before others in this process get a turn. */
const pagesAtOnce = 256

/**
 * Copies the database in `file` to `target` with everything that was committed before the end. The copy is checked, on the disk,
 * and only then has its name; what was there under that name before is gone then. Answers its length in bytes.
 */
export const toFile = (file: string, target: string): Effect.Effect<number, DatabaseError> => {
  const part = `${target}.part`
  return Effect.scoped(
    Effect.gen(function* () {
      const source = yield* Effect.acquireRelease(
        attempt("connect", () => new DatabaseSync(file, { readOnly: true })),
        (opened) => Effect.sync(() => opened.close())
      ).pipe(Effect.mapError((cause) => fromTrouble("back up the database", file, cause)))
      yield* Effect.tryPromise({
        try: () => backup(source, part, { rate: pagesAtOnce }),
        catch: (cause) => fromTrouble("back up the database", part, troubleOf("backup", cause))
      })
      yield* checked(part)
      return yield* Effect.tryPromise({
        try: async () => {
          const handle = await open(part, "r+")
          await handle.sync()
          await handle.close()
          await rename(part, target)
          return (await stat(target)).size
        },
        catch: (cause) => new DatabaseError({ operation: "write the copy", reason: "Denied", database: target, cause })
      })
    })
  ).pipe(Effect.onError(() => Effect.promise(() => rm(part, { force: true }))))
}

/** Every page and index is as it should be. */
const checked = (file: string): Effect.Effect<void, DatabaseError> =>
  attempt("check", () => {
    const copy = new DatabaseSync(file)
    try {
      // The copy has the journal's mode of the original; alone in one file it must not need another beside it.
      const [first] = copy.prepare("PRAGMA integrity_check(1)").all()
      copy.exec("PRAGMA journal_mode = DELETE")
      return first?.["integrity_check"]
    } finally {
      copy.close()
    }
  }).pipe(
    Effect.mapError((cause) => fromTrouble("check the copy", file, cause)),
    Effect.flatMap((found) =>
      found === "ok"
        ? Effect.void
        : Effect.fail(
            new DatabaseError({ operation: "check the copy", reason: "Damaged", database: file, cause: found })
          )
    )
  )
