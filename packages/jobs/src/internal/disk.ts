/**
 * Calls to the system of which `FileSystem` makes several, or none: each is a trip to another thread, and a caller waits for a small file
 * about as long as its trips take.
 */
import {
  access,
  constants,
  lstat,
  readlink as readlinkAt,
  stat,
  type Stats,
  symlink as symlinkAt,
  unlink as unlinkAt
} from "node:fs"
import { Effect } from "effect"

export interface Place {
  /** Of the folder, links followed; or the system's word for why not. */
  readonly folder: Stats | NodeJS.ErrnoException
  /** What is at the path itself, be it a link that leads nowhere; or the system's word for why not. */
  readonly there: Stats | NodeJS.ErrnoException
  readonly isWritable: boolean
}

/** A path in a folder, looked at in three calls at once. */
export const lookAt = (path: string, folderPath: string): Effect.Effect<Place> =>
  Effect.callback((resume) => {
    let folder: Place["folder"] | undefined
    let there: Place["there"] | undefined
    let isWritable: boolean | undefined
    const looked = () => {
      if (folder !== undefined && there !== undefined && isWritable !== undefined)
        resume(Effect.succeed({ folder, there, isWritable }))
    }
    stat(folderPath, (error, stats) => {
      folder = error ?? stats
      looked()
    })
    lstat(path, (error, stats) => {
      there = error ?? stats
      looked()
    })
    access(folderPath, constants.W_OK, (error) => {
      isWritable = error === null
      looked()
    })
  })

/** Takes a file away; one that is not there is no trouble. Not interrupted half way. */
export const unlink = (path: string): Effect.Effect<void, NodeJS.ErrnoException> =>
  Effect.uninterruptible(
    Effect.callback((resume) =>
      unlinkAt(path, (error) => resume(error === null || error.code === "ENOENT" ? Effect.void : Effect.fail(error)))
    )
  )

/** A link that leads to `target`, whatever is there. Not interrupted half way. */
export const symlink = (target: string, path: string): Effect.Effect<void, NodeJS.ErrnoException> =>
  Effect.uninterruptible(
    Effect.callback((resume) =>
      symlinkAt(target, path, (error) => resume(error === null ? Effect.void : Effect.fail(error)))
    )
  )

/** Where a link leads; fails for what is none. */
export const readlink = (path: string): Effect.Effect<string, NodeJS.ErrnoException> =>
  Effect.callback((resume) =>
    readlinkAt(path, (error, target) => resume(error === null ? Effect.succeed(target) : Effect.fail(error)))
  )
