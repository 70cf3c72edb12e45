/** `piecework-service status`: whether a service does its work, and which of its roles does not. */
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Duration, Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { HttpClient } from "effect/http"
import { exitCodes } from "../ExitCode.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"

const flags = {
  ...remote.flags,
  service: Flag.String("service").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("where the service is"),
    Flag.withDefault("http://127.0.0.1:7670")
  )
}

export const status = Command.make("status", flags).pipe(
  Command.withDescription("Says whether a service and each of its roles does its work"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const { json } = yield* serve
      const output = yield* Output
      const state = yield* ask(options.service.replace(/\/+$/, "")).pipe(
        Effect.provide(remote.httpTo(options.serviceCa))
      )
      yield* json ? output.line(JSON.stringify(state)) : output.line(shown(state))
      return yield* state.status === "ok"
        ? Effect.void
        : new Failure({ sentence: `The service is ${state.status}.`, code: exitCodes.notReady })
    })
  )
)

const State = Schema.Struct({
  status: Schema.Literals(["ok", "failing", "stopping"]),
  version: Schema.String.check(Schema.isMaxLength(64)),
  roles: Schema.Record(Schema.String, Schema.Literals(["ok", "failing"]))
})

/** Most bytes of an answer. */
const most = 65_536

const unreachable = (sentence: string) => new Failure({ sentence, code: exitCodes.unreachable })

const ask = Effect.fnUntraced(function* (
  url: string
): Effect.fn.Return<typeof State.Type, Failure, HttpClient.HttpClient> {
  const read = Effect.gen(function* () {
    const response = yield* HttpClient.get(`${url}/ready`)
    return Number(response.headers["content-length"] ?? most + 1) > most ? "" : yield* response.text
  })
  const text = yield* read.pipe(
    Effect.mapError(() => unreachable(`The service at ${url} cannot be reached.`)),
    Effect.timeoutOrElse({
      duration: Duration.seconds(5),
      orElse: () => Effect.fail(unreachable(`The service at ${url} did not answer in time.`))
    })
  )
  return yield* Effect.mapError(Schema.decodeUnknownEffect(Schema.fromJsonString(State))(text), () =>
    unreachable(`What answers at ${url} is no Piecework service.`)
  )
})

const shown = ({ roles, status: overall, version }: typeof State.Type): string => {
  const lines = Object.entries(roles).map(([role, state]) => `  ${role.padEnd(16)}${state}`)
  return [`${overall}  version ${version}`, ...lines].join("\n")
}
