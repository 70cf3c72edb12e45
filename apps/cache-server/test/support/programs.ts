/** The real programs as processes, and a folder that is gone afterwards. */
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { entryOf } from "@piecework/launch/bundle"
import { Deferred, Effect, Schema, type Scope } from "effect"

const entries = {
  cache: entryOf(fileURLToPath(new URL("../..", import.meta.url))),
  service: entryOf(fileURLToPath(new URL("../../../service", import.meta.url)))
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
}) {
  override get message(): string {
    return `ended with ${this.code}: ${this.stderr}`
  }
}

export interface Program {
  readonly pid: number
  /** Waits for the first line of standard output that the function answers something for. */
  readonly line: <A extends {}>(pick: (line: string) => A | undefined) => Effect.Effect<A, EndedEarly>
  /** Waits until standard error has it. */
  readonly says: (what: RegExp) => Effect.Effect<void, EndedEarly>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  readonly exit: Effect.Effect<Exit>
}

/** Nothing of the machine that runs the tests counts. */
const environment = (own: Readonly<Record<string, string>>) => {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^PIECEWORK_|_proxy$|^(?:STATE|RUNTIME)_DIRECTORY$/i.test(name)
  )
  return { ...Object.fromEntries(kept), NO_COLOR: "1", ...own }
}

/** Starts a program; it is killed with the scope if it still runs then. */
export const start = (
  entry: keyof typeof entries,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.gen(function* () {
    const exited = yield* Deferred.make<Exit>()
    let stdout = ""
    let stderr = ""
    const watchers = new Set<() => void>()
    const heard = () => {
      for (const watcher of watchers) watcher()
    }
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [entries[entry], ...args], { stdio: ["ignore", "pipe", "pipe"], env: environment(env) })
      ),
      (running) =>
        Effect.andThen(
          Effect.sync(() => running.exitCode === null && running.kill("SIGKILL")),
          Deferred.await(exited)
        )
    )
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
      heard()
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
      heard()
    })
    child.on("close", (code, signal) => {
      Deferred.doneUnsafe(exited, Effect.succeed({ code, signal, stdout, stderr }))
      heard()
    })
    const until = <A extends {}>(look: () => A | undefined): Effect.Effect<A, EndedEarly> =>
      Effect.callback((resume) => {
        const watcher = () => {
          const found = look()
          if (found !== undefined) resume(Effect.succeed(found))
          else if (child.exitCode !== null) resume(Effect.fail(new EndedEarly({ code: child.exitCode, stderr })))
        }
        watchers.add(watcher)
        watcher()
        return Effect.sync(() => watchers.delete(watcher))
      })
    return {
      pid: child.pid ?? 0,
      kill: (signal) => Effect.sync(() => void child.kill(signal)),
      exit: Deferred.await(exited),
      says: (what) => Effect.asVoid(until(() => (what.test(stderr) ? true : undefined))),
      line: (pick) =>
        until(() => {
          for (const line of stdout.split("\n")) {
            const found = line === "" ? undefined : pick(line)
            if (found !== undefined) return found
          }
          return undefined
        })
    }
  })

/** Runs a program to its end. */
export const run = (
  entry: keyof typeof entries,
  args: ReadonlyArray<string>,
  env?: Readonly<Record<string, string>>
): Effect.Effect<Exit> => Effect.scoped(Effect.flatMap(start(entry, args, env), (program) => program.exit))

export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "piecework-cache-test-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

export interface Cache extends Program {
  /** "http://127.0.0.1:PORT". */
  readonly url: string
  readonly port: number
}

/** A cache server on loopback that keeps what it needs in the folder; waits until it serves. */
export const cache = (
  state: string,
  args: ReadonlyArray<string>,
  env?: Readonly<Record<string, string>>
): Effect.Effect<Cache, EndedEarly, Scope.Scope> =>
  Effect.gen(function* () {
    const usual = ["--listen", "127.0.0.1:0", "--peer-port", "127.0.0.1:0", "--no-announce", "--json"]
    const program = yield* start("cache", ["serve", "--state", state, ...usual, ...args], env)
    const at = yield* program.line((line) => (JSON.parse(line) as { readonly http?: string }).http)
    return { ...program, url: `http://${at}`, port: Number(at.split(":").at(-1)) }
  })

/** A service with all roles; answers its URL. */
export const service = (data: string) =>
  Effect.gen(function* () {
    const program = yield* start("service", ["--host", "127.0.0.1", "--port", "0", "--data", data, "--json"])
    return yield* program.line((line) => (JSON.parse(line) as { readonly listening?: string }).listening)
  })
