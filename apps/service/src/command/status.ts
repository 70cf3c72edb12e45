/** `piecework-service status`: whether a service does its work, which of its roles does not, and to operators how its cache nodes are. */
import * as CacheNodeAdminRpcs from "@piecework/cloud/CacheNodeAdminRpcs"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Config, Duration, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { HttpClient } from "effect/http"
import { exitCodes } from "../ExitCode.ts"
import * as NodeView from "../view/NodeView.ts"
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
      const url = options.service.replace(/\/+$/, "")
      const state = yield* ask(url).pipe(Effect.provide(remote.httpTo(options.serviceCa)))
      const nodes = yield* cacheNodes(url, options.serviceCa)
      yield* json
        ? output.line(
            JSON.stringify({ ...state, ...("overview" in nodes ? { cacheNodes: countsOf(nodes.overview) } : {}) })
          )
        : output.line([shown(state), ...linesOf(nodes)].join("\n"))
      return yield* state.status === "ok"
        ? Effect.void
        : new Failure({ sentence: `The service is ${state.status}.`, code: exitCodes.notReady })
    })
  )
)

/** How the nodes are, or why that is not known, or nothing where nobody who may ask does. */
type Told = { readonly overview: CacheNodeAdminRpcs.NodesOverview } | { readonly why: string } | {}

/** How many nodes there are is for operators; without a token nobody asks. */
const cacheNodes = (url: string, ca: Option.Option<string>): Effect.Effect<Told> =>
  Effect.gen(function* () {
    const token = yield* Effect.option(
      Effect.gen(function* () {
        return yield* Config.Redacted("PIECEWORK_TOKEN")
      })
    )
    if (Option.isNone(token)) return {}
    const overview = yield* remote.there(
      CacheNodeAdminRpcs.CacheNodeAdminRpcs,
      CacheNodeAdminRpcs.path,
      url,
      ca
    )((client) => client.Overview({ hours: 1 }))
    return { overview }
  }).pipe(Effect.catch((error) => Effect.succeed({ why: error.message })))

const countsOf = ({ disabled, healthy, unhealthy }: CacheNodeAdminRpcs.NodesOverview) => ({
  healthy,
  unhealthy,
  disabled
})

const linesOf = (told: Told): ReadonlyArray<string> => {
  if ("why" in told) return [`cache nodes are not known: ${told.why}`]
  if (!("overview" in told) || told.overview.healthy + told.overview.unhealthy === 0) return []
  return [`cache nodes: ${NodeView.counts(told.overview)}`]
}

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
