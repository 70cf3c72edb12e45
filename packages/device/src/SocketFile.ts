/**
 * The file by which programs reach the agent. One agent has it at a time: a file that an agent left behind which was killed is replaced, one behind
 * which an agent answers is not. It is made under another name and gets its rights before anybody can find it.
 */
import { randomBytes } from "node:crypto"
import { connect, type Server } from "node:net"
import { dirname, join } from "node:path"
import { isMainThread } from "node:worker_threads"
import { longestPath } from "@piecework/client/AgentPlace"
import * as Folders from "@piecework/host/Folders"
import { Effect, FileSystem, Option, type PlatformError, Schema, type Scope } from "effect"

export class SocketFileError extends Schema.TaggedError<SocketFileError>()("SocketFileError", {
  path: Schema.String,
  reason: Schema.Literals(["TooLong", "InUse", "NoSocket", "Failed"]),
  /** What the system said. */
  detail: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    switch (this.reason) {
      case "TooLong":
        return `The path of a socket has at most ${longestPath} bytes, and ${this.path} is longer; name another with --socket.`
      case "InUse":
        return `Another agent answers at ${this.path}; stop it, or name another socket with --socket.`
      case "NoSocket":
        return `${this.path} is there already and no socket; name another with --socket.`
      case "Failed":
        return `The socket ${this.path} cannot be made${this.detail === undefined ? "" : ` (${this.detail})`}; name another with --socket, or go without by --no-socket.`
    }
  }
}

export interface Rights {
  /** Of the folder, if it has to be made. */
  readonly folder: number
  readonly file: number
}

/** Who may give jobs, over this socket as over the REST interface: the user of the agent and root, or all. */
export const rights: { readonly [U in "own" | "all"]: Rights } = {
  own: { folder: 0o700, file: 0o600 },
  all: { folder: 0o755, file: 0o666 }
}

/** Makes the server listen at the path; the file is gone with the scope. */
export const listen = Effect.fn("SocketFile.listen")(function* (
  server: Server,
  path: string,
  { file, folder }: Rights
): Effect.fn.Return<void, SocketFileError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  // Shorter than the usual name.
  const draft = join(dirname(path), `.${randomBytes(3).toString("hex")}`)
  for (const long of [path, draft]) {
    if (Buffer.byteLength(long) > longestPath) return yield* new SocketFileError({ path, reason: "TooLong" })
  }
  const failed = (error: PlatformError.PlatformError) =>
    new SocketFileError({ path, reason: "Failed", detail: error.message })
  yield* Effect.tryPromise({
    try: () => Folders.make(dirname(path), { mode: folder }),
    catch: (cause) =>
      new SocketFileError({ path, reason: "Failed", detail: cause instanceof Error ? cause.message : "" })
  })

  const inode = yield* Effect.acquireRelease(
    Effect.gen(function* () {
      yield* bind(server, path, draft)
      return yield* Effect.gen(function* () {
        yield* fs.chmod(draft, file)
        const made = yield* fs.stat(draft)
        yield* put(fs, draft, path)
        return made.ino
      }).pipe(
        Effect.mapError((error) => (error._tag === "SocketFileError" ? error : failed(error))),
        Effect.ensuring(Effect.ignore(fs.remove(draft, { force: true })))
      )
    }),
    (mine) =>
      Effect.ignore(
        Effect.gen(function* () {
          const there = yield* fs.stat(path)
          // Somebody else's stays.
          if (Option.isSome(mine) && Option.isSome(there.ino) && there.ino.value === mine.value) yield* fs.remove(path)
        })
      )
  )
  yield* Effect.logDebug(`Programs find the agent at ${path}.`).pipe(Effect.annotateLogs({ inode }))
})

/** Two agents that start at once both see what is there; only one of them can put its file where there is none. */
const put = Effect.fnUntraced(function* (fs: FileSystem.FileSystem, draft: string, path: string) {
  for (let tries = 0; tries < 3; tries++) {
    const linked = yield* Effect.result(fs.link(draft, path))
    if (linked._tag === "Success") return
    if (linked.failure.reason._tag !== "AlreadyExists") return yield* linked.failure
    const there = yield* Effect.option(fs.stat(path))
    if (Option.isNone(there)) continue
    if (there.value.type !== "Socket") return yield* new SocketFileError({ path, reason: "NoSocket" })
    if (yield* answers(path)) return yield* new SocketFileError({ path, reason: "InUse" })
    // What is taken away is looked at again: meanwhile it may be that of another one that just started.
    const aside = `${draft}~`
    yield* fs.rename(path, aside)
    if (yield* answers(aside)) {
      yield* Effect.ignore(fs.link(aside, path))
      yield* fs.remove(aside, { force: true })
      return yield* new SocketFileError({ path, reason: "InUse" })
    }
    yield* fs.remove(aside, { force: true })
  }
  return yield* new SocketFileError({ path, reason: "InUse" })
})

/** Whether somebody listens there. */
const answers = (path: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = connect({ path })
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    // A file that nobody listens at refuses; whatever else is wrong with it, it is not ours to take away.
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resume(Effect.succeed(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"))
    })
    return Effect.sync(() => socket.destroy())
  })

const bind = (server: Server, path: string, draft: string): Effect.Effect<void, SocketFileError> =>
  Effect.callback((resume) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      resume(Effect.fail(new SocketFileError({ path, reason: "Failed", detail: error.code ?? error.message })))
    server.once("error", failed)
    privately(() =>
      server.listen({ path: draft }, () => {
        server.off("error", failed)
        resume(Effect.void)
      })
    )
  })

/** What is made meanwhile is for nobody else, whatever the mask of the process: the file is made before `listen` returns. A worker cannot. */
const privately = (make: () => void): void => {
  if (!isMainThread) return make()
  const before = process.umask(0o177)
  try {
    make()
  } finally {
    process.umask(before)
  }
}
