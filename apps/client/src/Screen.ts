/**
 * The whole terminal for a while: what was there comes back when the scope closes, also when the program is told to stop. Keys are read
 * one by one, so that `q` ends it; Ctrl-C does as ever.
 */
import { Deferred, Effect, type Scope } from "effect"

export interface Screen {
  /** Replaces what is shown. */
  readonly show: (lines: ReadonlyArray<string>) => Effect.Effect<void>
  readonly columns: () => number
  readonly rows: () => number
  /** Waits until somebody wants to leave. */
  readonly left: Effect.Effect<void>
  /** Calls the listener when the size changes, as long as the scope lasts. */
  readonly onResize: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
}

/** Whether there is a terminal to show something on. */
export const isThere = (): boolean => process.stdout.isTTY === true && process.env["TERM"] !== "dumb"

/** Another buffer without a cursor, and back. */
const enter = "\u001b[?1049h\u001b[?25l"
const leave = "\u001b[?25h\u001b[?1049l"
const home = "\u001b[H"
const toEndOfLine = "\u001b[K"
const toEndOfScreen = "\u001b[J"

const quits: ReadonlySet<string> = new Set(["q", "Q", "\u0003", "\u0004", "\u001b"])

export const open: Effect.Effect<Screen, never, Scope.Scope> = Effect.gen(function* () {
  const { stdin, stdout } = process
  const wants = yield* Deferred.make<void>()
  const want = () => void Deferred.doneUnsafe(wants, Effect.void)
  const onKeys = (keys: Buffer): void => {
    const text = keys.toString("utf8")
    // An arrow key begins as Escape alone does.
    if (quits.has(text)) want()
  }
  const close = () => void stdout.write(leave)
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      // A process that is killed by a bug would leave a terminal without a cursor.
      process.once("exit", close)
      stdout.write(enter)
      if (stdin.isTTY !== true) return
      stdin.setRawMode(true)
      stdin.on("data", onKeys)
      stdin.on("end", want)
      stdin.resume()
    }),
    () =>
      Effect.sync(() => {
        process.off("exit", close)
        if (stdin.isTTY === true) {
          stdin.off("data", onKeys)
          stdin.off("end", want)
          stdin.setRawMode(false)
          stdin.pause()
        }
        stdout.write(leave)
      })
  )
  return {
    show: (lines) =>
      Effect.callback<void>((resume) => {
        const text = lines.map((line) => `${line}${toEndOfLine}`).join("\r\n")
        stdout.write(`${home}${text}${toEndOfScreen}`, () => resume(Effect.void))
      }),
    columns: () => stdout.columns || 80,
    rows: () => stdout.rows || 24,
    left: Deferred.await(wants),
    onResize: (listener) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => stdout.on("resize", listener)),
          () => Effect.sync(() => stdout.off("resize", listener))
        )
      )
  } satisfies Screen
})
