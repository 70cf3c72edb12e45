/**
 * What a program says: results on standard output, everything meant for a person watching on standard error. Saying is
 * never what a command is there for: whoever stops listening, or has no room for it, stops neither a download nor a service.
 */
import { threadId } from "node:worker_threads"
import { entryOf, of } from "@piecework/logs/Said"
import { Context, Effect, Layer, Logger } from "effect"
import { exitCodes } from "./ExitCode.ts"
import { Failure } from "./Failure.ts"

export class Output extends Context.Service<
  Output,
  {
    /** A line of the result. */
    readonly line: (text: string) => Effect.Effect<void>
    /** Fails when a line of the result was lost, unless its reader went away (`| head`). */
    readonly complete: Effect.Effect<void, Failure>
    /** A line for the person who watches. */
    readonly note: (text: string) => Effect.Effect<void>
    /** Whether a person watches: standard error is a terminal. */
    readonly isWatched: boolean
    readonly columns: () => number
    /** Replaces the last line for the person who watches; an empty text clears it. */
    readonly redraw: (text: string) => Effect.Effect<void>
    /** The same for plain code; does not wait. */
    readonly redrawUnsafe: (text: string) => void
  }
>()("@piecework/terminal/Output") {
  static readonly layer: Layer.Layer<Output> = Layer.sync(Output, () => {
    const { stdout, stderr } = process
    const results = sayingTo(stdout)
    const notes = sayingTo(stderr)
    return Output.of({
      line: (text) => results.say(`${text}\n`),
      complete: Effect.suspend(() => {
        const code = results.trouble()
        return code === undefined || code === "EPIPE" ? Effect.void : Effect.fail(lost(code))
      }),
      note: (text) => notes.say(`${text}\n`),
      isWatched: stderr.isTTY === true && process.env["TERM"] !== "dumb",
      // A terminal that does not know its width says 0.
      columns: () => stderr.columns || 80,
      redraw: (text) => notes.say(redrawn(text)),
      redrawUnsafe: (text) => void stderr.write(redrawn(text))
    })
  })
}

/** What the parts below log becomes lines like those of the program, with nothing secret in them, and a progress line gives way to them. */
export const logger = (program: string): Layer.Layer<never> =>
  Logger.layer([
    Logger.make((said) => {
      const { Annotations, Message } = entryOf({ program, processId: process.pid, threadId }, of(said))
      const notes = Object.entries(Annotations)
        .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
        .join(", ")
      const level = said.logLevel === "Info" ? "" : `${said.logLevel.toLowerCase()}: `
      const { stderr } = process
      const clear = stderr.isTTY === true ? "\r\u001b[K" : ""
      stderr.write(`${clear}${program}: ${level}${Message}${notes === "" ? "" : ` (${notes})`}\n`)
    })
  ])

/** In the place of the last line. */
const redrawn = (text: string): string => `\r${text}\u001b[K`

/** A stream until it fails; what comes after that is thrown away. */
const sayingTo = (stream: NodeJS.WriteStream) => {
  let trouble: string | undefined
  // Without a listener the process would end here.
  stream.on("error", (error: NodeJS.ErrnoException) => (trouble ??= error.code ?? error.message))
  return {
    trouble: () => trouble,
    /** Waits until the text is written, so that nothing is lost when the process exits behind it. */
    say: (text: string): Effect.Effect<void> =>
      Effect.callback<void>((resume) => {
        if (trouble !== undefined) return resume(Effect.void)
        stream.write(text, (error) => {
          if (error) trouble ??= (error as NodeJS.ErrnoException).code ?? error.message
          resume(Effect.void)
        })
      })
  }
}

const lost = (code: string): Failure =>
  code === "ENOSPC" || code === "EDQUOT"
    ? new Failure({
        sentence: "The disk that standard output goes to is full; the output is not whole.",
        code: exitCodes.diskFull
      })
    : new Failure({
        sentence: `Standard output cannot be written (${code}); the output is not whole.`,
        code: exitCodes.unexpected
      })
