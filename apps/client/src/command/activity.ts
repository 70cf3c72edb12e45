/** `piecework activity`: where a person sees what this device downloads and gives, by the running agent. */
import * as Ending from "@piecework/terminal/Ending"
import { Effect, Result } from "effect"
import { Command, Flag } from "effect/cli"
import * as anAgent from "./anAgent.ts"
import * as options from "./options.ts"

/** Of "127.0.0.1:7682", "[::1]:7682" or "7682"; only this device can be named. */
export const parse = (text: string): Result.Result<{ readonly host: string; readonly port: number }, string> => {
  const parts = /^(?:(?<host>127(?:\.\d{1,3}){3}|\[::1\]|localhost):)?(?<port>\d{1,5})$/i.exec(text)
  const port = Number(parts?.groups?.["port"] ?? -1)
  if (parts === null || port < 0 || port > 65_535) {
    return Result.fail(`"${text}" is no place of this device; give one like 127.0.0.1:7682.`)
  }
  const host = parts.groups?.["host"]?.toLowerCase() ?? "127.0.0.1"
  return Result.succeed({ host: host === "localhost" ? "127.0.0.1" : host.replace(/^\[(.*)\]$/, "$1"), port })
}

/** Of `piecework agent`. */
export const flags = {
  activity: Flag.String("activity").pipe(
    Flag.withDescription(
      "serve the activity page there from the start, as in 127.0.0.1:7682; default anywhere, once piecework activity asks for it"
    ),
    Flag.withMetavar("ADDRESS:PORT"),
    Flag.filterMap(
      (text) => Result.getSuccess(parse(text)),
      (text) => `"${text}" is no place of this device; give one like 127.0.0.1:7682`
    ),
    Flag.optional
  )
}

export const activity = Command.make(
  "activity",
  {
    ...anAgent.flags,
    open: Flag.Boolean("open").pipe(
      Flag.withDescription("open it in this desktop's browser instead of saying its address"),
      Flag.withDefault(false)
    ),
    json: options.json
  },
  Effect.fn("activity")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const { run } = yield* Effect.promise(() => import("./activityPage.ts"))
    yield* run(input)
  })
).pipe(
  Command.withDescription(
    "Say where the activity page of this device is: bytes of this month by source, downloads with their peers, pause and abort"
  )
)
