/**
 * Calls to the system of which `FileSystem` makes several, or none: each is a trip to another thread, and a caller waits for a small file
 * about as long as its trips take.
 */
import { lstat as lstatOf, readlink as readlinkAt, type Stats, symlink as symlinkAt, unlink as unlinkAt } from "node:fs"
import { Effect } from "effect"

/** What is at the path itself, be it a link. Fails with the system's word for why not. */
export const lstat = (path: string): Effect.Effect<Stats, NodeJS.ErrnoException> =>
  Effect.callback((resume) =>
    lstatOf(path, (error, stats) => resume(error === null ? Effect.succeed(stats) : Effect.fail(error)))
  )

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
