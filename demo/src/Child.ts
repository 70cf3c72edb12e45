/**
 * Programs that the demo starts. Each belongs to a scope and is ended with it, asked first and forced after ten
 * seconds; the lines of its standard output are kept for whoever takes them, the last of its standard error for the
 * sentence that says why it failed.
 */
import { type Cause, Deferred, Effect, Queue, Schema, type Scope, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"

/** A program did not do its part. */
export class ChildError extends Schema.TaggedError<ChildError>()("ChildError", {
  /** Which of ours: "client 3", "the service". */
  name: Schema.String,
  reason: Schema.Literals([
    /** The system could not start it. */
    "NotStarted",
    /** It ended before its work was done. */
    "Ended",
    /** Its output is not what was agreed. */
    "Unintelligible",
    /** It was not done in time. */
    "TimedOut"
  ]),
  /** How it ended: "exit code 7", "SIGKILL". */
  ending: Schema.optionalKey(Schema.String),
  /** The last of what it wrote to standard error. */
  stderr: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  /** How a sentence begins that is about it. */
  get subject(): string {
    return this.name.charAt(0).toUpperCase() + this.name.slice(1)
  }

  override get message(): string {
    const said = this.stderr.trim() === "" ? "" : ` It said:\n${this.stderr.trim()}`
    switch (this.reason) {
      case "NotStarted":
        return `${this.subject} could not be started.${said}`
      case "Ended":
        return `${this.subject} ended before it was done (${this.ending ?? "for no known reason"}).${said}`
      case "Unintelligible":
        return `${this.subject} wrote something that this demo does not understand.${said}`
      case "TimedOut":
        return `${this.subject} was not done in time.${said}`
    }
  }
}

export interface Child {
  readonly name: string
  /** Lines of standard output; ends when the program closes it. */
  readonly lines: Queue.Dequeue<string, Cause.Done>
  /** The last of standard error, so far. */
  readonly stderr: () => string
  /** Waits for the end: "exit code 0", "SIGTERM". */
  readonly ended: Effect.Effect<string>
  /** Asks it to end, waits until it has. */
  readonly stop: Effect.Effect<void>
  /** An error about this program. */
  readonly error: (reason: ChildError["reason"], more?: Pick<ChildError, "ending" | "cause">) => ChildError
}

/** Characters of standard error that are kept. */
const keptStderr = 4000

const ending = { killSignal: "SIGTERM", forceKillAfter: "10 seconds" } as const

export const start = Effect.fn("Child.start")(function* (options: {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** Added to the environment of the demo. */
  readonly env?: { readonly [name: string]: string }
  /** Gives it a standard input that stays open as long as the demo lives; default none. */
  readonly holdsInput?: boolean
}): Effect.fn.Return<Child, ChildError, ChildProcessSpawner.ChildProcessSpawner | Scope.Scope> {
  let stderr = ""
  const error: Child["error"] = (reason, more) => new ChildError({ name: options.name, reason, stderr, ...more })
  const handle = yield* ChildProcess.make(options.command, options.args, {
    ...ending,
    stdin: options.holdsInput === true ? { stream: "pipe", endOnDone: false } : "ignore",
    env: { ...options.env },
    extendEnv: true,
    // In the demo's own process group, so that closing the terminal ends it even when the demo cannot.
    detached: false
  }).pipe(Effect.mapError((cause) => error("NotStarted", { cause })))

  const ended = yield* Deferred.make<string>()
  yield* handle.exitCode.pipe(
    Effect.match({
      onSuccess: (code) => `exit code ${code}`,
      onFailure: (failure) => /SIG[A-Z]+/.exec(String(failure.cause ?? failure))?.[0] ?? String(failure)
    }),
    Effect.flatMap((how) => Deferred.succeed(ended, how)),
    Effect.forkScoped
  )
  const lines = yield* handle.stdout.pipe(
    Stream.decodeText,
    Stream.splitLines,
    // What cannot be read any more ends the lines, as the program's end does.
    Stream.catchCause(() => Stream.empty),
    Stream.toQueue({ capacity: 1024 })
  )
  yield* handle.stderr.pipe(
    Stream.decodeText,
    Stream.runForEach((text) => Effect.sync(() => (stderr = (stderr + text).slice(-keptStderr)))),
    Effect.ignore,
    Effect.forkScoped
  )
  return {
    name: options.name,
    lines,
    stderr: () => stderr,
    ended: Deferred.await(ended),
    stop: handle.kill(ending).pipe(Effect.ignore, Effect.andThen(Deferred.await(ended)), Effect.asVoid),
    error
  }
})

/** The next line as a value of a schema, waiting for it at most `limit`; later lines are thrown away. */
export const announcement = Effect.fnUntraced(function* <A>(
  child: Child,
  schema: Schema.Decoder<A>
): Effect.fn.Return<A, ChildError, Scope.Scope> {
  const line = yield* Queue.take(child.lines).pipe(
    Effect.catchTag("Done", () => endedEarly(child)),
    Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => Effect.fail(child.error("TimedOut")) })
  )
  const value = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(line).pipe(
    Effect.mapError((cause) => child.error("Unintelligible", { cause }))
  )
  yield* Queue.take(child.lines).pipe(Effect.forever, Effect.ignore, Effect.forkScoped)
  return value
})

/** Fails with how the program ended. Its output is closed; a moment is left for the exit itself and standard error. */
export const endedEarly = (child: Child): Effect.Effect<never, ChildError> =>
  child.ended.pipe(
    Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Effect.succeed("it closed its output") }),
    Effect.flatMap((how) => Effect.fail(child.error("Ended", { ending: how })))
  )
