/** Makes folders one after the other: where a system refuses one as "not there", as in /proc, Node's recursive way asks without end. */
import { dirname, resolve } from "node:path"
import { Effect, FileSystem, type PlatformError } from "effect"

/** The folder and those above it that are missing, with these rights less the mask of the process. One that is there stays as it is. */
export const make = (
  folder: string,
  mode = 0o777
): Effect.Effect<void, PlatformError.PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = resolve(folder)
    // Refuses a file, and makes nothing.
    if (yield* fs.exists(path)) return yield* fs.makeDirectory(path, { recursive: true })
    const above = dirname(path)
    if (above !== path) yield* make(above, mode)
    // Another process may have made it meanwhile.
    yield* Effect.catch(fs.makeDirectory(path, { mode }), (error) =>
      Effect.flatMap(fs.exists(path), (isThere) => (isThere ? Effect.void : Effect.fail(error)))
    )
  })
