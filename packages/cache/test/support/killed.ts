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
