/** What `piecework activity` does. Loaded when it is wanted. */
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Agent from "@piecework/client/Agent"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect } from "effect"
import { exitCodes } from "../ExitCode.ts"
import type { Input } from "./anAgent.ts"
import { withAgent } from "./withAgent.ts"

interface Asked extends Input {
  readonly open: boolean
  readonly json: boolean
}

export const run = (input: Asked) =>
  Effect.gen(function* () {
    const url = yield* (yield* Agent.Agent).page
    if (input.open) return yield* show(url)
    const output = yield* Output
    yield* output.line(input.json ? JSON.stringify({ url }) : url)
  }).pipe(withAgent(input))

/** How long the browser may take to read the file, in milliseconds. */
const readWithin = 10_000

/**
 * Opens it in the browser of the desktop. All users of a machine see the arguments of all programs, so the browser is given a file that only
 * this user can read, which leads on to the address.
 */
const show = (url: string) =>
  Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => mkdtemp(join(tmpdir(), "piecework-activity-")), catch: () => failed }),
    (folder) =>
      Effect.gen(function* () {
        const file = join(folder, "activity.html")
        const page = `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0; url=${url}"><a href="${url}">Activity of this device</a>`
        yield* Effect.tryPromise({ try: () => writeFile(file, page, { mode: 0o600 }), catch: () => failed })
        yield* opened(file)
        yield* Effect.sleep(readWithin)
      }),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )

const opener = { darwin: "open", linux: "xdg-open" } as const

const failed = new Failure({
  sentence:
    "No browser can be opened from here; run piecework activity without --open, and open the address that it says.",
  code: exitCodes.unexpected
})

const opened = (file: string): Effect.Effect<void, Failure> =>
  Effect.callback((resume) => {
    const program = process.platform === "darwin" ? opener.darwin : opener.linux
    const child = spawn(program, [file], { stdio: "ignore", detached: true })
    child.once("error", () => resume(Effect.fail(failed)))
    child.once("exit", (code) => resume(code === 0 ? Effect.void : Effect.fail(failed)))
    child.unref()
  })
