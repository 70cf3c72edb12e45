/** Runs a program of this folder and kills it. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"

/** Kills the program so many ms after its first line; answers what it said. */
export const killedWithin = (program: string, args: ReadonlyArray<string>, millis: number) =>
  Effect.callback<ReadonlyArray<string>>((resume) => {
    const child = spawn(
      process.execPath,
      ["--conditions=source", new URL(program, import.meta.url).pathname, ...args],
      { stdio: ["ignore", "pipe", "inherit"] }
    )
    const lines: Array<string> = []
    let timer: ReturnType<typeof setTimeout> | undefined
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line)
      timer ??= setTimeout(() => child.kill("SIGKILL"), millis)
    })
    child.on("close", () => resume(Effect.succeed(lines)))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })
