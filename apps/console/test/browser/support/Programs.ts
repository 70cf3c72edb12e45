/** The real programs as processes, from the bundles that are made before all tests. Each is gone with its scope. */
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { entryOf } from "@piecework/launch/bundle"
import { anyDevice } from "@piecework/policy/PolicyFile"
import { type Cause, Deferred, Effect, Queue, Schema, type Scope, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"

const folders = {
  piecework: fileURLToPath(new URL("../../../../client", import.meta.url)),
  service: fileURLToPath(new URL("../../../../service", import.meta.url))
}

const pages = fileURLToPath(new URL("../../..", import.meta.url))

/** Whether the pages were built since their sources changed: others may read them, so they are not built in vain. */
const isBuilt = async (): Promise<boolean> => {
  const built = await stat(join(pages, "dist", "site", "activity.html")).catch(() => undefined)
  if (built === undefined) return false
  const sources = await readdir(join(pages, "src"), { recursive: true })
  const times = await Promise.all(sources.map((name) => stat(join(pages, "src", name))))
  return times.every(({ mtimeMs }) => mtimeMs < built.mtimeMs)
}

/** Builds the pages. */
export const prepare: Effect.Effect<void> = Effect.promise(async () => {
  if (await isBuilt()) return
  const vite = await import("vite")
  await vite.build({ root: pages, logLevel: "error" })
})

/** A program ended, or said something else than was waited for. */
export class ProgramError extends Schema.TaggedError<ProgramError>()("ProgramError", {
  args: Schema.Array(Schema.String),
  said: Schema.String
}) {
  override get message(): string {
    return `${this.args.join(" ")} did not do what it should: ${this.said}`
  }
}

export interface Program {
  /** The next line of standard output for which the function answers something. */
  readonly line: <A extends {}>(pick: (line: string) => A | undefined) => Effect.Effect<A, ProgramError>
  /** Asks it to end. */
  readonly stop: Effect.Effect<void>
  /** Exit code and all of standard output that no `line` took. */
  readonly ended: Effect.Effect<{ readonly code: number; readonly rest: string }>
}

/** What starting programs takes. */
export type Needs = ChildProcessSpawner.ChildProcessSpawner | Scope.Scope

export const start = Effect.fn("Programs.start")(function* (
  name: keyof typeof folders,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {}
): Effect.fn.Return<Program, never, Needs> {
  const handle = yield* ChildProcess.make(process.execPath, [entryOf(folders[name]), ...args], {
    killSignal: "SIGKILL",
    stdin: "ignore",
    env: { ...anyDevice, NO_COLOR: "1", ...env },
    extendEnv: true
  }).pipe(Effect.orDie)
  let stderr = ""
  yield* handle.stderr.pipe(
    Stream.decodeText,
    Stream.runForEach((text) => Effect.sync(() => (stderr = (stderr + text).slice(-4000)))),
    Effect.ignore,
    Effect.forkScoped
  )
  const lines: Queue.Dequeue<string, Cause.Done> = yield* handle.stdout.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.catchCause(() => Stream.empty),
    Stream.toQueue({ capacity: "unbounded" })
  )
  const code = yield* Deferred.make<number>()
  yield* handle.exitCode.pipe(
    Effect.catch(() => Effect.succeed(-1)),
    Effect.flatMap((number) => Deferred.succeed(code, number)),
    Effect.forkScoped
  )
  const next = Queue.take(lines).pipe(
    Effect.mapError(() => new ProgramError({ args, said: stderr === "" ? "it ended" : stderr }))
  )
  return {
    line: Effect.fnUntraced(function* (pick) {
      while (true) {
        const found = pick(yield* next)
        if (found !== undefined) return found
      }
    }),
    stop: Effect.ignore(handle.kill({ killSignal: "SIGTERM" })),
    ended: Effect.gen(function* () {
      const rest: Array<string> = []
      yield* Effect.ignore(Effect.forever(Effect.map(Queue.take(lines), (line) => rest.push(line))))
      return { code: yield* Deferred.await(code), rest: rest.join("\n") }
    })
  }
})

/** Runs a program to its good end; answers what it printed. */
export const run = (name: keyof typeof folders, args: ReadonlyArray<string>, env?: Readonly<Record<string, string>>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const program = yield* start(name, args, env)
      const { code, rest } = yield* program.ended
      if (code !== 0) return yield* new ProgramError({ args, said: `exit code ${code}: ${rest}` })
      return rest
    })
  )
