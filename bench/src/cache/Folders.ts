/** Where a server of one run keeps what it has. */
import { Effect, FileSystem } from "effect"
import { ProgramError } from "../Meter.ts"

/** A new folder; gone with the scope, unless it is to be looked at afterwards. */
export const make = Effect.fn("Folders.make")(function* (root: string, name: string, keep: boolean) {
  const fs = yield* FileSystem.FileSystem
  const options = { directory: root, prefix: `${name}-` }
  return yield* (keep ? fs.makeTempDirectory(options) : fs.makeTempDirectoryScoped(options)).pipe(
    Effect.mapError((cause) => new ProgramError({ name, reason: "NotStarted", detail: cause.message, cause }))
  )
})
