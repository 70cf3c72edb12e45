/**
 * One program that runs on for a state folder. Each listens on a socket of its own name in `agents/` and looks who else is there: a socket without a
 * process behind it answers nobody, whatever became of that process, so nothing is left to clean up by hand. Of two who find each other
 * the one stays that was there first, and of two who came at once the one whose name comes first.
 */
import { randomBytes } from "node:crypto"
import { closeSync, openSync, readdirSync, rmSync } from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { join } from "node:path"
import * as Folders from "@piecework/host/Folders"
import { unusable } from "./StateFolder.ts"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, type Scope } from "effect"
import { exitCodes } from "@piecework/terminal/ExitCode"

/** How long another one may take to say whom it saw, in milliseconds. One that is stopped is there all the same. */
const usualPatience = 10_000

/** Bytes of what another says that are read. */
const mostSaid = 65_536

const namePattern = /^\d{1,10}-[0-9a-f]{16}\.sock$/

export interface HoldOptions {
  /** What the program is, for the sentence that another one gets. Default "agent". */
  readonly who?: string | undefined
  readonly patience?: number | undefined
}

/** Holds the folder until the scope closes; fails when another has it. */
export const hold = Effect.fn("FolderLock.hold")(function* (
  state: string,
  { patience = usualPatience, who = "agent" }: HoldOptions = {}
): Effect.fn.Return<void, Failure, Scope.Scope> {
  const folder = join(state, "agents")
  const refused = (cause: unknown) => {
    const why = codeOf(cause)
    return new Failure({ sentence: unusable(why === "EEXIST" ? folder : state, why), code: exitCodes.storage })
  }
  yield* Effect.tryPromise({ try: () => Folders.make(folder, { mode: 0o700 }), catch: refused })
  const at = yield* pathsIn(folder)
  const self = `${process.pid}-${randomBytes(8).toString("hex")}.sock`
  const bound = yield* Effect.result(bind(at(self), folder, self))
  if (bound._tag === "Failure") {
    // A file system without sockets: nobody can tell, as it was before.
    return yield* Effect.logWarning(`Whether another ${who} uses ${state} cannot be told (${bound.failure}).`)
  }
  for (const other of bound.success) {
    const said = yield* ask(at(other), patience)
    // Nobody gives that name again.
    if (said === "Gone") rmSync(at(other), { force: true })
    else if (said === "Silent" || !said.includes(self) || other < self) {
      return yield* new Failure({
        sentence: `Another ${who} uses the state folder ${state} already (process ${other.split("-")[0]}); end it, or choose another folder with --state.`,
        code: exitCodes.storage
      })
    }
  }
})

/** Longest path of a socket that all systems take, in bytes. */
const longestPath = 100

/** Where the sockets are: a path that is too long goes by the folder's number in this process, where the system has such paths. */
const pathsIn = (folder: string): Effect.Effect<(name: string) => string, never, Scope.Scope> =>
  Buffer.byteLength(join(folder, "0123456789-0123456789abcdef.sock")) <= longestPath || process.platform !== "linux"
    ? Effect.succeed((name: string) => join(folder, name))
    : Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => openSync(folder, "r")),
          (fd) => Effect.sync(() => closeSync(fd))
        ),
        (fd) => (name: string) => `/proc/self/fd/${fd}/${name}`
      )

/** Listens, and answers the names that were there at that instant; the failure is the system's word. */
const bind = (
  path: string,
  folder: string,
  self: string
): Effect.Effect<ReadonlyArray<string>, string, Scope.Scope> => {
  let seen: ReadonlyArray<string> = []
  const listening = Effect.callback<Server, string>((resume) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined)
      socket.end(`${seen.join("\n")}\n`)
    })
    server.once("error", (cause) => resume(Effect.fail(codeOf(cause))))
    server.listen(path, () => {
      // In the same turn in which it began to listen, before anybody is answered: who is not seen here came later and sees this one.
      seen = readdirSync(folder).filter((name) => name !== self && namePattern.test(name))
      server.unref()
      resume(Effect.succeed(server))
    })
  })
  return Effect.map(
    // It listens no more at once; one who asked and hangs is not waited for.
    Effect.acquireRelease(listening, (server) => Effect.sync(() => void server.close())),
    () => seen
  )
}

/** Whom the process behind a socket saw when it came. */
const ask = (path: string, patience: number): Effect.Effect<ReadonlyArray<string> | "Gone" | "Silent"> =>
  Effect.callback<ReadonlyArray<string> | "Gone" | "Silent">((resume) => {
    let said = ""
    const socket = connect(path)
    socket.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (said.length > mostSaid) socket.destroy()
    })
    socket.on("end", () => resume(Effect.succeed(said.split("\n"))))
    socket.on("error", (cause) => resume(Effect.succeed(isNobody(cause) ? "Gone" : "Silent")))
    return Effect.sync(() => void socket.destroy())
  }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed("Silent" as const) }))

const isNobody = (cause: unknown): boolean => {
  const code = codeOf(cause)
  return code === "ECONNREFUSED" || code === "ENOENT"
}

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "it cannot be made"
