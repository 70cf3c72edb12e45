/** What a command is told: by its own words, the environment, and the settings file. */
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Option, Result } from "effect"
import { exitCodes } from "../ExitCode.ts"
import * as Settings from "../Settings.ts"
import * as SettingsFile from "../SettingsFile.ts"

export interface Told {
  readonly config: Option.Option<string>
  /** By the command line. */
  readonly said: Settings.Said
}

/** Reads the file, if there is one, and checks everything. */
export const read = Effect.fn("settingsOf.read")(function* ({
  config,
  said
}: Told): Effect.fn.Return<Settings.Settings, Failure> {
  const file = yield* Option.match(config, {
    onNone: () => Effect.succeed({}),
    onSome: (path) => Effect.mapError(SettingsFile.read(path), ({ message }) => failure(message, exitCodes.file))
  })
  const settings = Result.flatMap(Settings.fromEnvironment(process.env), (environment) =>
    Settings.resolve([said, environment, file])
  )
  return Result.isSuccess(settings) ? settings.success : yield* failure(settings.failure.message, exitCodes.usage)
})

const failure = (sentence: string, code: number): Failure => new Failure({ sentence, code })
