/** The real programs as processes, and a folder that is gone afterwards. */
import { execFileSync, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { entryOf } from "@piecework/launch/bundle"
import { anyDevice } from "@piecework/policy/PolicyFile"
import { Deferred, Effect, Schema, type Scope } from "effect"

const entries = {
  piecework: entryOf(fileURLToPath(new URL("../..", import.meta.url))),
  service: entryOf(fileURLToPath(new URL("../../../service", import.meta.url))),
  cache: entryOf(fileURLToPath(new URL("../../../cache-server", import.meta.url)))
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program ended before it said what was waited for. */
export class EndedEarly extends Schema.TaggedError<EndedEarly>()("EndedEarly", {
  code: Schema.NullOr(Schema.Int),
  stderr: Schema.String
}) {}

export interface Program {
  readonly pid: number
  /** Waits for the first line of standard output that the function answers something for. */
  readonly line: <A extends {}>(pick: (line: string) => A | undefined) => Effect.Effect<A, EndedEarly>
  /** Reads no more of standard output, like a `head` that has what it wants. */
  readonly hangUp: Effect.Effect<void>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  readonly exit: Effect.Effect<Exit>
}

/** Starts a program; it is killed with the scope if it still runs then. `stdout` is a file descriptor. */
export const start = (
  entry: keyof typeof entries,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  stdout?: number
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.gen(function* () {
    const exited = yield* Deferred.make<Exit>()
    let said = ""
    let stderr = ""
    const watchers = new Set<() => void>()
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [entries[entry], ...args], {
          stdio: ["ignore", stdout ?? "pipe", "pipe"],
          env: { ...process.env, ...anyDevice, NO_COLOR: "1", ...env }
        })
      ),
      (running) =>
        Effect.andThen(
          Effect.sync(() => running.exitCode === null && running.kill("SIGKILL")),
          Deferred.await(exited)
        )
    )
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text
      for (const watcher of watchers) watcher()
    })
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text))
    child.on("close", (code, signal) => {
      Deferred.doneUnsafe(exited, Effect.succeed({ code, signal, stdout: said, stderr }))
      for (const watcher of watchers) watcher()
    })
    return {
      pid: child.pid ?? 0,
      hangUp: Effect.sync(() => void child.stdout?.destroy()),
      kill: (signal) => Effect.sync(() => void child.kill(signal)),
      exit: Deferred.await(exited),
      line: <A extends {}>(pick: (line: string) => A | undefined) =>
        Effect.callback<A, EndedEarly>((resume) => {
          const look = () => {
            for (const line of said.split("\n")) {
              const found = line === "" ? undefined : pick(line)
              if (found !== undefined) return resume(Effect.succeed(found))
            }
            if (child.exitCode !== null) resume(Effect.fail(new EndedEarly({ code: child.exitCode, stderr })))
          }
          watchers.add(look)
          look()
          return Effect.sync(() => watchers.delete(look))
        })
    }
  })

/** Runs a program to its end. */
export const run = (
  entry: keyof typeof entries,
  args: ReadonlyArray<string>,
  env?: Readonly<Record<string, string>>,
  stdout?: number
): Effect.Effect<Exit> => Effect.scoped(Effect.flatMap(start(entry, args, env, stdout), (program) => program.exit))

export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "piecework-test-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** A service with all roles; answers its URL. */
export const service = (data: string, env: Readonly<Record<string, string>> = {}, ...more: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const words = ["--host", "127.0.0.1", "--port", "0", "--data", data, "--json", ...more]
    const program = yield* start("service", words, env)
    return yield* program.line(listening)
  })

/** An agent that serves peers already; its words have `--json` among them. */
export const agent = (words: ReadonlyArray<string>, env?: Readonly<Record<string, string>>) =>
  Effect.tap(start("piecework", words, env), (program) => program.line(listening))

/** Where it says that it listens. */
const listening = (line: string) => (JSON.parse(line) as { readonly listening?: string }).listening

/** A port that nobody has just now. */
export const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** Publishes a file with the service whose data lies in `data`. */
export const publish = (file: string, url: string, data: string) =>
  Effect.flatMap(run("service", ["publish", file, "--url", url, "--data", data, "--json"]), (exit) =>
    exit.code === 0
      ? Effect.succeed(JSON.parse(exit.stdout) as { readonly contentId: string })
      : Effect.fail(new EndedEarly({ code: exit.code, stderr: exit.stderr }))
  )

/** Whether this process may mount file systems: root on Linux, outside a container that forbids it. */
export const canMount = ((): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false
  const probe = mkdtempSync(join(tmpdir(), "piecework-probe-"))
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", probe], { stdio: "ignore" })
    execFileSync("umount", [probe], { stdio: "ignore" })
    return true
  } catch {
    return false
  } finally {
    rmSync(probe, { recursive: true, force: true })
  }
})()
