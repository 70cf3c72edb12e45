/**
 * A program on a device: started but held back until the barrier opens, watched until it has the file, killed and
 * started again where the scenario wants that, and ended with the scope.
 */
import { closeSync, existsSync, openSync, writeSync } from "node:fs"
import { Clock, Deferred, Effect, FileSystem, Option, Ref, Result, Schedule, Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { type Invocation, ProgramError } from "../Meter.ts"
import * as Usage from "../Usage.ts"

/** How a program says that it has the file: it ends well, it writes such a line, or it runs a hook that makes a file. */
export type Done =
  | { readonly _tag: "Exit" }
  | { readonly _tag: "Line"; readonly isIt: (line: string) => boolean }
  | { readonly _tag: "Marker"; readonly path: string }

export interface Task {
  readonly namespace: string
  /** `again` after it was killed. */
  readonly invocation: (again: boolean) => Invocation
  readonly done: Done
  /** A folder of its own. */
  readonly folder: string
}

export interface Arrival {
  /** From the start of its process to the complete file. */
  readonly seconds: number
  /** … to its first word, where it says something once it has started. */
  readonly startSeconds: number | undefined
  /** The line that said so. */
  readonly line: string | undefined
}

export interface Device {
  /** Lets it go. */
  readonly release: Effect.Effect<void>
  /** Waits until it has the file. */
  readonly arrival: Effect.Effect<Arrival, ProgramError>
  /** Kills it, and starts it again after a second. Nothing happens to one that has ended already. */
  readonly restart: Effect.Effect<void, ProgramError>
  readonly usage: Effect.Effect<Option.Option<Usage.Usage>>
  /** Tells it to end, as a system does that shuts down, and waits for that a few seconds; others are killed. */
  readonly end: Effect.Effect<void>
}

/** The pipe in its folder at which it waits; made before. */
export const barrierName = "start"

/** How much of its standard error is kept. */
const keptCharacters = 300

/**
 * Waits for one byte of the pipe, then becomes the program. `nice`: origin, service and the bench stand for other machines
 * and must not wait for the devices, whose processors are one here.
 */
const held = 'read -r _ < "$0"; exec nice -n 5 "$@"'

export const prepare = Effect.fn("Device.prepare")(function* (
  task: Task
): Effect.fn.Return<
  Device,
  ProgramError,
  Scope.Scope | FileSystem.FileSystem | ChildProcessSpawner.ChildProcessSpawner
> {
  const fs = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const scope = yield* Effect.scope
  const { done, namespace } = task
  const name = task.invocation(false).name
  const stderr = yield* Ref.make("")
  const error = (reason: ProgramError["reason"], more?: { readonly exitCode?: number; readonly cause?: unknown }) =>
    Effect.flatMap(Ref.get(stderr), (detail) => new ProgramError({ name, reason, detail, ...more }))

  const barrier = `${task.folder}/${barrierName}`
  const open = yield* Effect.acquireRelease(
    Effect.try({
      // Open both ways, so that neither side waits for the other to open it.
      try: () => openSync(barrier, "r+"),
      catch: (cause) => new ProgramError({ name, reason: "NotStarted", detail: "no barrier", cause })
    }),
    (fd) => Effect.sync(() => closeSync(fd))
  )

  const arrived = yield* Deferred.make<Arrival, ProgramError>()
  let startedAt = 0n
  let firstWord: number | undefined
  const sinceStart = Effect.map(Clock.currentTimeNanos, (now) => Number(now - startedAt) / 1e9)
  const complete = (line: string | undefined) =>
    Effect.flatMap(sinceStart, (seconds) => Deferred.succeed(arrived, { seconds, startSeconds: firstWord, line }))

  const hear = Effect.fnUntraced(function* (line: string) {
    if (firstWord === undefined) firstWord = yield* sinceStart
    if (done._tag === "Line" && done.isIt(line)) yield* complete(line)
  })

  /** Killed on purpose: its end says nothing. */
  const killed = new Set<number>()

  const launch = Effect.fnUntraced(
    function* (again: boolean) {
      const { args, command } = task.invocation(again)
      const waiting = again ? ["nice", "-n", "5"] : ["sh", "-c", held, barrier]
      const handle = yield* ChildProcess.make("ip", ["netns", "exec", namespace, ...waiting, command, ...args], {
        killSignal: "SIGKILL",
        stdin: "ignore",
        stdout: done._tag === "Line" ? "pipe" : "ignore",
        cwd: task.folder,
        detached: true
      }).pipe(
        Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner),
        Effect.catch((cause) => error("NotStarted", { cause }))
      )
      yield* handle.stderr.pipe(
        Stream.decodeText,
        Stream.runForEach((text) => Ref.update(stderr, (before) => (before + text).slice(-keptCharacters))),
        Effect.ignore,
        Effect.forkScoped
      )
      if (done._tag === "Line") {
        yield* handle.stdout.pipe(
          Stream.decodeText,
          Stream.splitLines,
          Stream.runForEach(hear),
          Effect.ignore,
          Effect.forkScoped
        )
      }
      yield* Effect.result(handle.exitCode).pipe(
        Effect.flatMap((ended) => {
          if (killed.has(handle.pid)) return Effect.void
          if (Result.isFailure(ended)) return error("Failed", { cause: ended.failure })
          if (done._tag === "Exit" && Number(ended.success) === 0) return complete(undefined)
          // The last words may come a little after the end.
          return Effect.andThen(Effect.sleep("100 millis"), error("Failed", { exitCode: Number(ended.success) }))
        }),
        Effect.catch((failure) => Deferred.fail(arrived, failure)),
        Effect.forkScoped
      )
      return handle
    },
    Effect.provideService(Scope.Scope, scope)
  )

  const current = yield* Ref.make(yield* launch(false))
  if (done._tag === "Marker") {
    yield* Effect.sync(() => existsSync(done.path)).pipe(
      Effect.repeat({ until: (there) => there, schedule: Schedule.spaced("50 millis") }),
      Effect.andThen(complete(undefined)),
      Effect.forkScoped
    )
  }

  const ofProcess = (pid: number): Effect.Effect<Option.Option<Usage.Usage>> =>
    Effect.zipWith(
      fs.readFileString(`/proc/${pid}/stat`),
      fs.readFileString(`/proc/${pid}/status`),
      Usage.fromProc
    ).pipe(Effect.orElseSucceed(() => Option.none<Usage.Usage>()))

  return {
    release: Effect.flatMap(Clock.currentTimeNanos, (now) =>
      Effect.sync(() => {
        startedAt = now
        writeSync(open, "\n")
      })
    ),
    arrival: Deferred.await(arrived),
    restart: Effect.gen(function* () {
      const handle = yield* Ref.get(current)
      if (!(yield* Effect.orElseSucceed(handle.isRunning, () => false))) return
      killed.add(handle.pid)
      yield* Effect.ignore(handle.kill({ killSignal: "SIGKILL" }))
      yield* Effect.sleep("1 second")
      yield* Ref.set(current, yield* launch(true))
    }),
    usage: Effect.flatMap(Ref.get(current), ({ pid }) => ofProcess(pid)),
    end: Effect.gen(function* () {
      const handle = yield* Ref.get(current)
      killed.add(handle.pid)
      yield* Effect.ignore(handle.kill({ killSignal: "SIGTERM", forceKillAfter: "5 seconds" }))
    })
  }
})
