/** The log of this device's programs: files in the state folder, and standard error as the flag says. */
import { defaultRoot } from "@piecework/device/StateFolder"
import * as LogConfig from "@piecework/logs/LogConfig"
import * as LogFolder from "@piecework/logs/LogFolder"
import * as Logs from "@piecework/logs/Logs"
import { Effect, Option } from "effect"
import { Flag } from "effect/cli"

export const format = Flag.Literals("log-format", Logs.formats).pipe(
  Flag.withDescription("how the log is written on standard error: text, or json with a line an entry; default text"),
  Flag.withDefault("text")
)

export interface Input {
  readonly state: Option.Option<string>
  readonly logFormat: Logs.Format
}

/** Runs a command with its log. One that can do without its state folder says nothing of a log that cannot be written. */
export const kept =
  (program: string, input: Input, complains = true) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      // A setting that cannot be read is as good as none: nobody loses a download by it.
      const config = yield* Effect.orElseSucceed(LogConfig.config, () => LogConfig.defaults)
      const folder = LogFolder.folderIn(Option.getOrElse(input.state, () => defaultRoot(process.env)))
      return yield* Logs.kept({ program, folder, format: input.logFormat, config, complains })(effect)
    })
