/**
 * Keeps jobs out of the folders in which the agent keeps its own: whoever may give jobs writes with the agent's rights, and is not to write
 * its records, settings or credentials.
 */
import { realpath } from "node:fs"
import { basename, dirname, sep } from "node:path"
import { JobError, JobFiles } from "@piecework/jobs"
import { names } from "@piecework/device/StateFolder"
import { Effect, Layer } from "effect"

/** Jobs' files, none of which comes to lie in a folder below `root`, or takes a name of the agent there, by whatever way that is reached. */
export const layer = (
  root: string
): Layer.Layer<JobFiles.JobFiles, never, Layer.Services<typeof JobFiles.JobFiles.layer>> =>
  Layer.effect(
    JobFiles.JobFiles,
    Effect.gen(function* () {
      const files = yield* JobFiles.JobFiles
      let known: string | undefined
      // The folder of a process that runs stays where it is.
      const ofRoot = Effect.suspend(() =>
        known === undefined
          ? Effect.tap(realPath(root), (path) => Effect.sync(() => void (known = path)))
          : Effect.succeed(known)
      )
      const isOwn = Effect.fnUntraced(function* (destination: string) {
        const [own, folder] = yield* Effect.all([ofRoot, realPath(dirname(destination))], {
          concurrency: "unbounded"
        })
        if (folder === own) return names.has(basename(destination))
        return folder.startsWith(own.endsWith(sep) ? own : `${own}${sep}`)
      })
      return {
        ...files,
        obstacle: (destination) =>
          Effect.map(
            Effect.all(
              [
                // What has no real path is told of by the usual looks.
                Effect.orElseSucceed(isOwn(destination), () => false),
                files.obstacle(destination)
              ],
              { concurrency: "unbounded" }
            ),
            ([is, obstacle]) => (is ? JobError.system("EACCES") : obstacle)
          )
      }
    })
  ).pipe(Layer.provide(JobFiles.JobFiles.layer))

/** By the system in one call; `FileSystem.realPath` makes one for each part of the path. */
const realPath = (path: string): Effect.Effect<string, NodeJS.ErrnoException> =>
  Effect.callback((resume) =>
    realpath.native(path, (error, real) => resume(error === null ? Effect.succeed(real) : Effect.fail(error)))
  )
