/** Tools that may or may not be installed, and the machine they run on. */
import { Effect, Option } from "effect"
import { arch, cpus, platform, release, totalmem } from "node:os"
import { type Invocation, Meter } from "./Meter.ts"

/** The first line that `command --version` prints; `None` when there is no such program. */
export const version = Effect.fn("Tools.version")(function* (command: string) {
  const meter = yield* Meter
  return yield* meter.run({ name: command, command, args: ["--version"] }, 10_000).pipe(
    Effect.map(({ stdout }) => stdout.split("\n", 1)[0] ?? ""),
    Effect.option,
    Effect.map(Option.filter((line) => line !== ""))
  )
})

/** Its name, where `command` is there but tells its version on standard error only; `None` when there is no such program. */
export const present = Effect.fn("Tools.present")(function* (command: string, arg: string) {
  const meter = yield* Meter
  return yield* Effect.option(Effect.as(meter.run({ name: command, command, args: [arg] }, 10_000), command))
})

/** The first part of what a program says, on either output and whatever its exit code, that looks like its version. */
export const saysOf = Effect.fn("Tools.saysOf")(function* (
  command: string,
  args: ReadonlyArray<string>,
  pattern: RegExp
) {
  const meter = yield* Meter
  const both = {
    name: command,
    command: "sh",
    args: ["-c", 'command -v "$0" > /dev/null && "$0" "$@" 2>&1; :', command, ...args]
  }
  return yield* meter
    .run(both, 10_000)
    .pipe(Effect.option, Effect.map(Option.flatMap(({ stdout }) => Option.fromNullishOr(pattern.exec(stdout)?.[0]))))
})

/** On certain processors only, like "0" or "0,1". */
export const pinned = (processors: string, { args, command, name }: Invocation): Invocation => ({
  name,
  command: "taskset",
  args: ["--cpu-list", processors, command, ...args]
})

export interface Machine {
  readonly system: string
  readonly node: string
  readonly processors: number
  readonly processor: string
  readonly memoryBytes: number
  /** ISO 8601. */
  readonly measuredAt: string
}

export const machine = (now: number): Machine => ({
  system: `${platform()} ${release()} ${arch()}`,
  node: process.version,
  processors: cpus().length,
  processor: cpus()[0]?.model ?? "unknown",
  memoryBytes: totalmem(),
  measuredAt: new Date(now).toISOString()
})
