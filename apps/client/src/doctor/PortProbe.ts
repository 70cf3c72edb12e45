/** The port for peers: whether the agent answers there; without one, whether it is free, and who comes while others are asked to try. */
import { readdir, readFile, readlink } from "node:fs/promises"
import { connect, createServer } from "node:net"
import type * as Findings from "@piecework/doctor/Findings"
import { Effect, Option, type Scope } from "effect"

export interface Door {
  readonly port: Findings.Port
  /** Connections that came from elsewhere; `undefined` when the agent is who hears of them. */
  readonly came: (() => number) | undefined
}

const patience = "1500 millis"

/** Listens, where it does, until the scope closes. */
export const open = (agent: Findings.Agent, wanted: number): Effect.Effect<Door, never, Scope.Scope> => {
  if (agent._tag !== "Runs") return agent._tag === "None" ? listen(wanted) : ofAnother(wanted)
  const at = /^(.*):(\d+)$/.exec(agent.peers ?? "")
  if (at === null) return Effect.succeed({ port: { _tag: "Unused" }, came: undefined })
  const port = Number(at[2])
  const host = (at[1] ?? "").replace(/^\[(.*)\]$/, "$1")
  return Effect.map(
    answers(host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host, port),
    (isThere): Door => ({ port: { _tag: isThere ? "Listening" : "Deaf", port }, came: undefined })
  )
}

/** An agent that tells this user nothing has the port, if somebody does. */
const ofAnother = (port: number): Effect.Effect<Door> =>
  Effect.map(answers("127.0.0.1", port), (isThere) => ({
    port: isThere ? { _tag: "Listening", port } : { _tag: "Unused" },
    came: undefined
  }))

const answers = (host: string, port: number): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const socket = connect({ host, port })
    socket.once("connect", () => resume(Effect.succeed(true)))
    socket.once("error", () => resume(Effect.succeed(false)))
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOption(patience),
    Effect.map((found) => Option.getOrElse(found, () => false))
  )

const listen = (port: number): Effect.Effect<Door, never, Scope.Scope> =>
  Effect.gen(function* () {
    let came = 0
    const server = createServer((socket) => {
      came++
      socket.on("error", () => {})
      socket.destroy()
    })
    const code = yield* Effect.acquireRelease(
      Effect.callback<string | undefined>((resume) => {
        server.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? "EIO")))
        server.listen({ host: "0.0.0.0", port, exclusive: true }, () => resume(Effect.succeed(undefined)))
      }),
      () => Effect.sync(() => server.close())
    )
    if (code === undefined) return { port: { _tag: "Free", port }, came: () => came }
    if (code !== "EADDRINUSE") return { port: { _tag: "Refused", port, why: code }, came: undefined }
    return { port: { _tag: "Taken", port, by: yield* holderOf(port) }, came: undefined }
  })

/** TCP_LISTEN, as the kernel's table writes it. Source: Linux, include/net/tcp_states.h. */
const listening = "0A"
/** Most processes that are looked at. */
const mostProcesses = 4096

/** The program that has the port, as far as this user may see: by the inode of its socket. Source: Linux, proc(5). */
const holderOf = (port: number): Effect.Effect<string | undefined> =>
  Effect.tryPromise(async () => {
    const hex = port.toString(16).toUpperCase().padStart(4, "0")
    const tables = await Promise.all(
      ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => ""))
    )
    const inodes = new Set(
      tables
        .flatMap((text) => text.split("\n"))
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[3] === listening && fields[1]?.endsWith(`:${hex}`) === true)
        .map((fields) => `socket:[${fields[9] ?? ""}]`)
    )
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).slice(0, mostProcesses)) {
      const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
      for (const file of files) {
        const target = await readlink(`/proc/${pid}/fd/${file}`).catch(() => "")
        if (!inodes.has(target)) continue
        const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim()
        return `${name.replaceAll(/[^ -~]/g, "?")} (process ${pid})`
      }
    }
    return undefined
  }).pipe(
    Effect.orElseSucceed(() => undefined),
    Effect.timeoutOption("2 seconds"),
    Effect.map(Option.getOrUndefined)
  )
