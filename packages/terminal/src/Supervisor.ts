/**
 * Tells systemd, where it started the process, how it goes: ready, reading its settings again, stopping, alive. Node has no
 * datagram sockets of Unix, so the program `systemd-notify` says it, and the unit needs `NotifyAccess=all`. Without
 * `$NOTIFY_SOCKET` nothing is run. That systemd cannot be told is a warning and ends nothing.
 * Source: sd_notify(3), sd_watchdog_enabled(3), systemd-notify(1).
 */
import { execFile } from "node:child_process"
import { Context, Effect, Layer, Schema, Semaphore } from "effect"

/** systemd could not be told. */
export class SupervisorError extends Schema.TaggedError<SupervisorError>()("SupervisorError", {
  reason: Schema.Literals(["NoProgram", "Refused", "TooSlow"]),
  /** What the program said; empty when it said nothing. */
  detail: Schema.String
}) {
  override get message(): string {
    switch (this.reason) {
      case "NoProgram":
        return "systemd cannot be told how this goes: there is no program systemd-notify; use Type=exec in the unit."
      case "Refused":
        return `systemd-notify could not tell systemd how this goes${this.detail === "" ? "" : ` (${this.detail})`}.`
      case "TooSlow":
        return "systemd-notify could not tell systemd how this goes: it took too long."
    }
  }
}

export interface Supervision {
  /** The process does its work; `status` is a line for people. */
  readonly ready: (status: string) => Effect.Effect<void>
  /** Says that settings are read again while `work` goes on, and that it is done with. */
  readonly reloading: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Who started the process and looks after it; nobody, unless the layer says otherwise. */
export const Supervisor: Context.Reference<Supervision> = Context.Reference<Supervision>(
  "@piecework/terminal/Supervisor",
  { defaultValue: () => nobody }
)

const nobody: Supervision = { ready: () => Effect.void, reloading: (work) => work }

/** The variables of one message, as `NAME=value`. */
export type Send = (variables: ReadonlyArray<string>) => Effect.Effect<void, SupervisorError>

export interface Options {
  readonly env: { readonly [name: string]: string | undefined }
  readonly send: Send
  /** Microseconds of the clock that systemd takes for monotonic. */
  readonly now: () => bigint
}

/** systemd, where it waits for word of this process. While the scope lasts, SIGTERM and SIGINT are told as well. */
export const layer: Layer.Layer<never> = Layer.unwrap(
  Effect.sync(() =>
    layerOf({ env: process.env, send: program(process.env), now: () => process.hrtime.bigint() / 1000n })
  )
)

export const layerOf = ({ env, now, send }: Options): Layer.Layer<never> => {
  if (!env["NOTIFY_SOCKET"]) return Layer.empty
  return Layer.effect(
    Supervisor,
    Effect.gen(function* () {
      // What is said later is heard later.
      const turn = yield* Semaphore.make(1)
      let hasWarned = false
      let isReady = false
      const say = (...variables: ReadonlyArray<string>) =>
        turn.withPermits(1)(
          Effect.catch(send(variables), (error) => {
            if (hasWarned) return Effect.void
            hasWarned = true
            return Effect.logWarning(error.message)
          })
        )

      const services = yield* Effect.context<never>()
      const stopping = (signal: NodeJS.Signals) =>
        void Effect.runForkWith(services)(say("STOPPING=1", `STATUS=Stopped by ${signal}.`))
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("SIGTERM", stopping).on("SIGINT", stopping)),
        () => Effect.sync(() => process.off("SIGTERM", stopping).off("SIGINT", stopping))
      )

      const every = watchdogEvery(env)
      if (every !== undefined) {
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(every), say("WATCHDOG=1"))))
      }
      return {
        ready: (status: string) =>
          Effect.suspend(() => {
            isReady = true
            return say("READY=1", `STATUS=${lineOf(status)}`)
          }),
        reloading: <A, E, R>(work: Effect.Effect<A, E, R>) =>
          Effect.suspend(() => {
            // What is not ready yet has nothing to be ready with again.
            if (!isReady) return work
            const begun = say("RELOADING=1", `MONOTONIC_USEC=${now()}`)
            return begun.pipe(Effect.andThen(work), Effect.ensuring(say("READY=1")))
          })
      }
    })
  )
}

/** Milliseconds between two signs of life, three of which fit into what systemd grants; `undefined` where it wants none. */
export const watchdogEvery = (env: Options["env"]): number | undefined => {
  const micros = Number(env["WATCHDOG_USEC"])
  const whose = env["WATCHDOG_PID"]
  // Started by a launcher that stays, the process has its watchdog's sign to give.
  const isOurs = !whose || whose === String(process.pid) || whose === String(process.ppid)
  return isOurs && Number.isInteger(micros) && micros >= leastMicros ? micros / 3000 : undefined
}

/** Each sign of life is a process that starts, so there is none more than three times a second. */
const leastMicros = 1_000_000

/** One line of what systemd shows, which cuts nothing off by itself. */
const lineOf = (text: string): string => text.replace(/\s+/g, " ").slice(0, 500)

/** For systemd's own answer; a system that is busy takes a while to start a program. */
const patience = 5000

/** Sends by `systemd-notify` from the PATH of the environment, which also names the socket. */
export const program =
  (env: Options["env"]): Send =>
  (variables) =>
    Effect.callback<void, SupervisorError>((resume) => {
      execFile(
        "systemd-notify",
        ["--", ...variables],
        { env, timeout: patience, killSignal: "SIGKILL", maxBuffer: 4096 },
        (error, _, stderr) => resume(error === null ? Effect.void : Effect.fail(errorOf(error, stderr)))
      )
    })

const errorOf = (error: Error & { readonly code?: unknown; readonly killed?: boolean }, stderr: string) =>
  new SupervisorError({
    reason: error.code === "ENOENT" || error.code === "EACCES" ? "NoProgram" : error.killed ? "TooSlow" : "Refused",
    detail: lineOf(stderr.trim())
  })
