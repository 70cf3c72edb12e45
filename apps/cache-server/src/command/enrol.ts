/** `piecework-cache enrol`: makes this machine a cache node of a service, by a token that its operator handed out. */
import { hostname } from "node:os"
import * as ServiceUrl from "@piecework/cloud/ServiceUrl"
import * as Enrolling from "@piecework/device/Enrolling"
import { certificatesIn } from "@piecework/device/ServiceTrust"
import { defaultRoot, StateFolder } from "@piecework/device/StateFolder"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Config, Effect, Option, Redacted } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { program } from "../RunFolder.ts"
import * as Startup from "../Startup.ts"
import { version } from "../version.ts"
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
    allowHttp: Flag.Boolean("allow-http").pipe(
      Flag.withDescription("enrol over plain HTTP, where others may read the token and the credential"),
      Flag.withDefault(false)
    ),
    json: options.json
  },
  Effect.fn("enrol")(function* ({ allowHttp, config, json, service, serviceCa, state, token }) {
    yield* Ending.forPrograms(json)
    const settings = yield* settingsOf.read({ config, said: options.given({ service, serviceCa }) })
    if (settings.service === undefined) return yield* usage("Enrolling needs a service; name it with --service.")
    if (Option.isNone(token) || token.value.trim() === "") {
      return yield* usage("Enrolling needs a token: piecework-cache enrol --service URL TOKEN.")
    }
    if (!ServiceUrl.isPrivate(settings.service) && !allowHttp) {
      return yield* usage(
        "Over plain HTTP others may read the credential; use an https service, or --allow-http where nobody else listens."
      )
    }
    const { service: url, serviceCa: ca } = settings
    const reply = yield* Effect.flatMap(StateFolder, ({ root }) =>
      Effect.flatMap(certificatesIn(Option.fromUndefinedOr(ca)), (certificates) =>
        Enrolling.enrol({
          root,
          service: url,
          certificates,
          token: Redacted.make(token.value.trim()),
          name: settings.name ?? (hostname().slice(0, 64) || "cache"),
          version
        })
      )
    ).pipe(
      Effect.provide(StateFolder.layer(Option.getOrElse(state, () => defaultRoot(process.env, program)))),
      Startup.explained
    )
    const output = yield* Output
    if (json) return yield* output.line(JSON.stringify({ device: reply.device, service: url }))
    return yield* output.note(
      `Enrolled: this is device ${reply.device} of ${url}; a running cache server starts anew to be it.`
    )
  })
).pipe(Command.withDescription("Make this machine a cache node of a service"))

const usage = (sentence: string): Effect.Effect<never, Failure> =>
  Effect.fail(new Failure({ sentence, code: exitCodes.usage }))
