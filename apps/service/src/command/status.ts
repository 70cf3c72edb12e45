/** `piecework-service status`: whether a service does its work, and which of its roles does not. */
import { Duration, Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { Failure } from "../Failure.ts"
import { Output } from "../Output.ts"
import { serve } from "./serve.ts"

const service = Flag.String("service").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription("where the service is"),
  Flag.withDefault("http://127.0.0.1:7670")
)

export const status = Command.make("status", { service }).pipe(
  Command.withDescription("Says whether a service and each of its roles does its work"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const { json } = yield* serve
      const output = yield* Output
      const state = yield* ask(options.service.replace(/\/+$/, ""))
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

const ask = (url: string): Effect.Effect<typeof State.Type, Failure> =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(`${url}/ready`, { signal, redirect: "manual" })
      if (Number(response.headers.get("content-length") ?? most + 1) > most) throw new Error("too long an answer")
      return response.text()
    },
    catch: () => new Failure({ sentence: `The service at ${url} cannot be reached.`, code: exitCodes.unreachable })
  }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.seconds(5),
      orElse: () =>
        Effect.fail(
          new Failure({ sentence: `The service at ${url} did not answer in time.`, code: exitCodes.unreachable })
        )
    }),
    Effect.flatMap((text) =>
      Effect.mapError(
        Schema.decodeUnknownEffect(Schema.fromJsonString(State))(text),
        () => new Failure({ sentence: `What answers at ${url} is no Piecework service.`, code: exitCodes.unreachable })
      )
    )
  )

const shown = ({ roles, status: overall, version }: typeof State.Type): string => {
  const lines = Object.entries(roles).map(([role, state]) => `  ${role.padEnd(16)}${state}`)
  return [`${overall}  version ${version}`, ...lines].join("\n")
}
