/** Programs of this folder as processes that are killed without warning. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"

/** Runs the program until it has written so many lines, kills it, and answers the lines. */
export const killedAfter = (program: string, args: ReadonlyArray<string>, count: number) =>
  Effect.callback<ReadonlyArray<string>>((resume) => {
    const child = spawn(
      process.execPath,
      ["--conditions=source", new URL(program, import.meta.url).pathname, ...args],
      { stdio: ["ignore", "pipe", "inherit"] }
    )
    const lines: Array<string> = []
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line)
      if (lines.length === count) child.kill("SIGKILL")
    })
    child.on("close", () => resume(Effect.succeed(lines)))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** Does something while the program runs, from its first line on; then kills it. */
export const withProcess = <A, E, R>(
  program: string,
  args: ReadonlyArray<string>,
  line: string,
  work: () => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.callback<ReturnType<typeof spawn>>((resume) => {
      const child = spawn(
        process.execPath,
        ["--conditions=source", new URL(program, import.meta.url).pathname, ...args],
        { stdio: ["ignore", "pipe", "inherit"] }
      )
      createInterface({ input: child.stdout }).on("line", (said) => {
        if (said === line) resume(Effect.succeed(child))
      })
      child.on("exit", () => resume(Effect.die(new Error(`${program} ended early`))))
    }),
    work,
    (child) =>
      Effect.callback<void>((resume) => {
        child.on("exit", () => resume(Effect.void))
        if (!child.kill("SIGKILL")) resume(Effect.void)
      })
  )
