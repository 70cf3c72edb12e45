/** The program as a process of its own, as a person or systemd starts it: what ships, not the sources. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { entryOf } from "@piecework/launch/bundle"
import { Effect, type Scope } from "effect"

const program = entryOf(fileURLToPath(new URL("..", import.meta.url)))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  /** The first line on standard output. */
  readonly firstLine: Promise<string>
  /** Resolves once it has said that on standard error; rejects when it ends without. */
  readonly said: (text: string) => Promise<void>
}

/** Starts it; whatever happens, it is gone with the scope. */
export const start = (...args: ReadonlyArray<string>): Effect.Effect<Running, never, Scope.Scope> =>
  startWith({}, ...args)

/** … with more in its environment. */
const startWith = (
  environment: Record<string, string>,
  ...args: ReadonlyArray<string>
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [program, ...args], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...environment }
      })
      let stdout = ""
      let stderr = ""
      child.stderr.on("data", (part: Buffer) => (stderr += part.toString()))
      const ended = new Promise<Ended>((resolve) => {
        child.on("close", (code) => resolve({ code, stdout, stderr }))
      })
      const firstLine = new Promise<string>((resolve, reject) => {
        child.stdout.on("data", (part: Buffer) => {
          stdout += part.toString()
          if (stdout.includes("\n")) resolve(stdout.slice(0, stdout.indexOf("\n")))
        })
        child.on("close", () => reject(new Error(`ended without a line: ${stderr}`)))
      })
      firstLine.catch(() => {})
      const said = (text: string) =>
        new Promise<void>((resolve, reject) => {
          const look = () => stderr.includes(text) && resolve()
          look()
          child.stderr.on("data", look)
          child.on("close", () => reject(new Error(`ended without saying ${text}: ${stderr}`)))
        })
      return { process: child, ended, firstLine, said }
    }),
    (running) =>
      Effect.promise(() => {
        running.process.kill("SIGKILL")
        return running.ended
      })
  )

/** Runs it to its end. */
export const run = (...args: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(start(...args), ({ ended }) => Effect.promise(() => ended)))

/** … with more in its environment. */
export const runWith = (environment: Record<string, string>, ...args: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(startWith(environment, ...args), ({ ended }) => Effect.promise(() => ended)))

/** A service on a free port; `url` is what it says it listens at. */
export const serving = (directory: string, ...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const running = yield* start("--port", "0", "--host", "127.0.0.1", "--data", directory, "--json", ...args)
    const line = yield* Effect.promise(() => running.firstLine)
    const { listening } = JSON.parse(line) as { readonly listening: string }
    return { ...running, url: listening }
  })

/** A connection with a request that the service has begun to read and never gets to its end. */
export const halfAsked = (url: string): Effect.Effect<Socket> =>
  Effect.gen(function* () {
    const socket = connect(Number(new URL(url).port), "127.0.0.1")
    yield* Effect.promise(() => once(socket, "connect"))
    socket.on("error", () => {})
    const half = "POST /rpc/geo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab"
    yield* Effect.callback<void>((resume) => void socket.write(half, () => resume(Effect.void)))
    // What comes later is answered later.
    yield* Effect.promise(() => fetch(`${url}/health`))
    return socket
  })

/** A port that was free a moment ago. */
export const freePort: Effect.Effect<number> = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** A folder that is gone with the scope. */
export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-service-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)
