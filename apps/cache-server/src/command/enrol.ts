/** `piecework-cache enrol`: makes this machine a cache node of a service, by a token that its operator handed out. */
import { defaultRoot, StateFolder } from "@piecework/device/StateFolder"
import * as Ending from "@piecework/terminal/Ending"
import { Output } from "@piecework/terminal/Output"
import { Config, Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { program } from "../RunFolder.ts"
import * as Startup from "../Startup.ts"
import * as options from "./options.ts"
import * as settingsOf from "./settingsOf.ts"

export const enrol = Command.make(
  "enrol",
  {
    token: Argument.String("TOKEN").pipe(
      Argument.withDescription(
        "the token to enrol with, pwe_…; better in PIECEWORK_ENROL_TOKEN, which lists of processes do not show"
      ),
      Argument.withFallbackConfig(Config.String("PIECEWORK_ENROL_TOKEN")),
      Argument.optional
    ),
    service: options.service,
    serviceCa: options.serviceCa,
    state: options.state,
    config: options.config,
    allowHttp: options.allowHttp,
    json: options.json
  },
  Effect.fn("enrol")(function* ({ allowHttp, config, json, service, serviceCa, state, token }) {
    yield* Ending.forPrograms(json)
    const settings = yield* settingsOf.read({ config, said: options.given({ service, serviceCa }) })
    const { enrol: begin } = yield* Effect.promise(() => import("../Enrolled.ts"))
    const { device } = yield* Effect.flatMap(StateFolder, ({ root }) =>
      begin({ root, settings, token: Option.getOrElse(token, () => ""), allowHttp })
    ).pipe(
      Effect.provide(StateFolder.layer(Option.getOrElse(state, () => defaultRoot(process.env, program)))),
      Startup.explained
    )
    const output = yield* Output
    return yield* json
      ? output.line(JSON.stringify({ device, service: settings.service }))
      : output.note(`Enrolled: this is device ${device} of ${settings.service}, from the next start of the server on.`)
  })
).pipe(Command.withDescription("Make this machine a cache node of a service, as serve --token does"))
