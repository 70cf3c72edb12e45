/**
 * A file of the cache, open. It is a regular file that lies where its name says: a link there is not followed, and a
 * pipe or a device is refused. It is closed with its scope, after every use under way has ended, so that no
 * thread ever writes to a descriptor that means another file by then.
 */
import { Deferred, Effect, type Scope } from "effect"
import { type BigIntStats, constants, fstatSync, read, write } from "node:fs"
import * as fs from "node:fs/promises"
import { failureOf, IoFailure, io, ioCallback } from "./io.ts"

/** `length`: how many bytes there were. */
export type ReadEnd = (error: NodeJS.ErrnoException | null, length: number) => void

export interface DiskFile {
  readonly path: string
  /** Bytes in the file when it was opened. */
  readonly size: number
  /** Lets others work with the descriptor; uninterruptible. Fails with EBADF once the scope is closing. */
  readonly use: <A, E, R>(work: (fd: number) => Effect.Effect<A, E, R>) => Effect.Effect<A, E | IoFailure, R>
  /** Fills `target` from `position`; answers how many bytes there were. */
  readonly read: (target: Uint8Array, position: number) => Effect.Effect<number, IoFailure>
  /**
   * The same without an effect, for what is read chunk by chunk; `end` is called exactly once, perhaps at once, and nobody writes to
   * `target` after it.
   */
  readonly readPlain: (target: Uint8Array, position: number, end: ReadEnd) => void
  /** Writes all of `bytes` at `position`. */
  readonly write: (bytes: Uint8Array, position: number) => Effect.Effect<void, IoFailure>
  /** Makes the file so long, with zeros where it grows. */
  readonly truncate: (size: number) => Effect.Effect<void, IoFailure>
  readonly stat: Effect.Effect<BigIntStats, IoFailure>
}

// Windows knows neither of these two flags.
const safely = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** How to open: only to `look`, or as a file that the cache will `own`, made when missing. */
const flags = {
  look: constants.O_RDONLY | safely,
  own: constants.O_RDWR | constants.O_CREAT | safely
} as const

/**
 * Opens the file for as long as the scope lasts. The permissions of a new file are the usual ones: the folder around it
 * keeps others out, and a file that is moved out of the cache should look like any other.
 */
export const openFile = (path: string, how: keyof typeof flags): Effect.Effect<DiskFile, IoFailure, Scope.Scope> =>
  Effect.acquireRelease(
    io(() => openRegular(path, flags[how])),
    ({ close }) => close
  ).pipe(Effect.map(({ file }) => file))

const openRegular = async (path: string, flag: number) => {
  const handle = await fs.open(path, flag, 0o666)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw Object.assign(new Error(`${path} is not a regular file`), { code: "EINVAL" })
    return wrap(path, handle, stats.size)
  } catch (cause) {
    await handle.close()
    throw cause
  }
}

const wrap = (path: string, handle: fs.FileHandle, size: number) => {
  let uses = 0
  let closing = false
  const idle = Deferred.makeUnsafe<void>()

  const end = () => {
    uses--
    if (closing && uses === 0) Deferred.doneUnsafe(idle, Effect.void)
  }
  const used = Effect.sync(end)
  const closedError = () => Object.assign(new Error(`${path} is closed`), { code: "EBADF" })

  const use = <A, E, R>(work: (fd: number) => Effect.Effect<A, E, R>): Effect.Effect<A, E | IoFailure, R> =>
    Effect.uninterruptible(
      Effect.suspend((): Effect.Effect<A, E | IoFailure, R> => {
        if (closing) return new IoFailure({ code: "EBADF", cause: closedError() })
        uses++
        return Effect.ensuring(work(handle.fd), used)
      })
    )

  const close = Effect.suspend(() => {
    closing = true
    return uses === 0 ? Effect.void : Deferred.await(idle)
  }).pipe(
    Effect.andThen(io(() => handle.close())),
    // Nothing is lost with it: what was written is the system's already, and what it loses later no hash vouches for.
    Effect.catch((failure) => Effect.logWarning("could not close a file of the cache", { path, code: failure.code }))
  )

  const file: DiskFile = {
    path,
    size,
    use,
    read: (target, position) => use((fd) => readAll(fd, target, position)),
    readPlain: (target, position, done) => {
      if (closing) return done(closedError(), 0)
      uses++
      readFully(handle.fd, target, position, (error, length) => {
        end()
        done(error, length)
      })
    },
    write: (bytes, position) => use((fd) => writeAll(fd, bytes, position)),
    truncate: (length) => use(() => io(() => handle.truncate(length))),
    // At once: the system knows this of an open file, and a trip to another thread and back costs ten times the call.
    stat: use((fd) => Effect.try({ try: () => fstatSync(fd, { bigint: true }), catch: failureOf }))
  }
  return { file, close }
}

/** Fills the target, however many calls it takes. */
const readFully = (fd: number, target: Uint8Array, position: number, end: ReadEnd): void => {
  const go = (done: number): void =>
    read(fd, target, done, target.length - done, position + done, (error, length) => {
      const now = done + length
      if (error !== null || length === 0 || now === target.length) end(error, error === null ? now : done)
      else go(now)
    })
  if (target.length === 0) end(null, 0)
  else go(0)
}

const readAll = (fd: number, target: Uint8Array, position: number): Effect.Effect<number, IoFailure> =>
  ioCallback((end) => readFully(fd, target, position, end))

/** Writes all bytes, however many calls it takes. */
const writeAll = (fd: number, bytes: Uint8Array, position: number): Effect.Effect<void, IoFailure> =>
  ioCallback<void>((end) => {
    const go = (done: number): void =>
      write(fd, bytes, done, bytes.length - done, position + done, (error, length) => {
        const now = done + length
        if (error !== null || now === bytes.length) end(error)
        else if (length === 0) end(Object.assign(new Error("EIO: the file took no bytes"), { code: "EIO" }))
        else go(now)
      })
    if (bytes.length === 0) end(null)
    else go(0)
  })
