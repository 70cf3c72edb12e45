/**
 * Keeps jobs out of the folders in which the agent keeps its own: whoever may give jobs writes with the agent's rights, and is not to write
 * its records, settings or credentials.
 */
import { basename, dirname, sep } from "node:path"
import { JobError, JobFiles } from "@piecework/jobs"
import { Effect, FileSystem, Layer } from "effect"
import { names } from "@piecework/device/StateFolder"

/** Jobs' files, none of which comes to lie in a folder below `root`, or takes a name of the agent there, by whatever way that is reached. */
export const layer = (
  root: string
): Layer.Layer<JobFiles.JobFiles, never, FileSystem.FileSystem | Layer.Services<typeof JobFiles.JobFiles.layer>> =>
  Layer.effect(
    JobFiles.JobFiles,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const files = yield* JobFiles.JobFiles
      const isOwn = Effect.fnUntraced(function* (destination: string) {
        const [own, folder] = yield* Effect.all([fs.realPath(root), fs.realPath(dirname(destination))])
        if (folder === own) return names.has(basename(destination))
        return folder.startsWith(own.endsWith(sep) ? own : `${own}${sep}`)
      })
      return {
        ...files,
        obstacle: (destination) =>
          // What has no real path is told of by the usual looks.
          Effect.flatMap(
            Effect.catch(isOwn(destination), () => Effect.succeed(false)),
            (is) => (is ? Effect.succeed(JobError.system("EACCES")) : files.obstacle(destination))
          )
      }
    })
  ).pipe(Layer.provide(JobFiles.JobFiles.layer))
