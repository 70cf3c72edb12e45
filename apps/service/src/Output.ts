/** What the service says: results on standard output, everything meant for a person watching on standard error. */
import { Context, Effect, Layer } from "effect"

export class Output extends Context.Service<
  Output,
  {
    /** A line of the result. */
    readonly line: (text: string) => Effect.Effect<void>
    /** A line for the person who watches. */
    readonly note: (text: string) => Effect.Effect<void>
    /** Whether a person watches: standard error is a terminal. */
    readonly isWatched: boolean
    readonly columns: () => number
    /** Replaces the last line for the person who watches; an empty text clears it. Does not wait. */
    readonly redraw: (text: string) => void
  }
>()("@piecework/service/Output") {
  static readonly layer: Layer.Layer<Output> = Layer.sync(Output, () => {
    const { stderr, stdout } = process
    return Output.of({
      line: (text) => write(stdout, `${text}\n`),
      note: (text) => write(stderr, `${text}\n`),
      isWatched: stderr.isTTY === true && process.env["TERM"] !== "dumb",
      // A terminal that does not know its width says 0.
      columns: () => stderr.columns || 80,
      redraw: (text) => {
        stderr.write(`\r${text}\u001B[K`)
      }
    })
  })
}

/** Waits until the text is written, so that nothing is lost when the process exits behind it. */
const write = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    // A reader that went away (`| head`) is no failure of ours.
    stream.write(text, () => resume(Effect.void))
  })
