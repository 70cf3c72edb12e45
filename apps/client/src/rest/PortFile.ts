/**
 * Tells programs of this machine at which port the REST interface is: a file `restport.<pid>` with the number and a line feed, in a run
 * folder, readable by all. Those of agents that were there before are removed. Source: spec.md §3.4.
 */
import { join } from "node:path"
import * as Folders from "@piecework/host/Folders"
import { Effect, FileSystem, Schema, type Scope } from "effect"

export class PortFileError extends Schema.TaggedError<PortFileError>()("PortFileError", {
  folder: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The run folder ${this.folder} cannot be written, so no program would find the REST interface; choose another with --run-dir, or go without by --no-rest.`
  }
}

const isPortFile = (name: string): boolean => /^restport\.\d{1,10}(?:\.draft)?$/.test(name)

/** It is gone with the scope. */
export const advertise = Effect.fn("PortFile.advertise")(function* (
  folder: string,
  port: number
): Effect.fn.Return<string, PortFileError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const refused = (cause: unknown) => new PortFileError({ folder, cause })
  const path = join(folder, `restport.${process.pid}`)
  const write = Effect.gen(function* () {
    yield* Effect.tryPromise(() => Folders.make(folder, { mode: 0o755 }))
    for (const name of yield* fs.readDirectory(folder)) {
      if (!isPortFile(name)) continue
      const old = join(folder, name)
      yield* fs
        .remove(old, { force: true })
        .pipe(Effect.catch(({ message }) => Effect.logWarning(`${old} is out of date and stays: ${message}`)))
    }
    // Whoever sees the file sees the number.
    const draft = `${path}.draft`
    yield* fs.writeFileString(draft, `${port}\n`, { flag: "wx" })
    // Not by the mode of the file's making, from which the mask of the process takes away.
    yield* fs.chmod(draft, 0o444)
    yield* fs.rename(draft, path)
  })
  yield* Effect.acquireRelease(Effect.mapError(write, refused), () => Effect.ignore(fs.remove(path, { force: true })))
  return path
})
