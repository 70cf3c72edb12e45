/** The log of this device's programs: files in the state folder, and standard error as the flag says. */
import { defaultRoot } from "@piecework/device/StateFolder"
import * as LogFolder from "@piecework/logs/LogFolder"
import * as Logs from "@piecework/logs/Logs"
import { type Effect, Option } from "effect"

export interface Input {
  readonly state: Option.Option<string>
  readonly logFormat: Logs.Format
}

export const folderOf = (state: Option.Option<string>): string =>
  LogFolder.folderIn(Option.getOrElse(state, () => defaultRoot(process.env)))

/** Runs a command with its log. One that can do without its state folder says nothing of a log that cannot be written. */
export const kept = (
  program: string,
  { logFormat: format, state }: Input,
  complains = true
): (<A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) =>
  Logs.kept({ program, folder: folderOf(state), format, complains })
