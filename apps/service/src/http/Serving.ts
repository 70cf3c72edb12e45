/** The service from its first word to its end. Loaded only when it is to serve. */
import { EndpointUrl } from "@piecework/cloud/Fields"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import { Effect, identity, Layer, Option, type Redacted, Schema } from "effect"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import type { join } from "../cluster/Joining.ts"
import type { HostPort } from "../cluster/RunnerAddress.ts"
import { type Data, databaseIn } from "../command/options.ts"
import { exitCodes } from "../ExitCode.ts"
import { Failure } from "../Failure.ts"
import { Output } from "../Output.ts"
import { missing, type RoleName, type RoleUrl } from "../role/RoleName.ts"
import * as Startup from "../Startup.ts"
import * as Service from "./Service.ts"

export interface Options {
  /** Address to listen on; all of this machine's when absent. */
  readonly host: Option.Option<string>
  /** 0 takes a free one. */
  readonly port: number
  /** What clients are told; the URL by which they came when absent. */
  readonly publicUrl: Option.Option<string>
  /** Reverse proxies that are believed. */
  readonly proxies: ReadonlyArray<string>
  /** What this process is to do. */
  readonly roles: readonly [RoleName, ...ReadonlyArray<RoleName>]
  /** Where the others are. */
  readonly roleUrls: ReadonlyArray<RoleUrl>
  readonly privateNetworks: "one-site" | "by-subnet"
  /** Where the other processes of the cluster are found; this process alone when absent. */
  readonly cluster: Option.Option<Redacted.Redacted>
  /** Where they reach this one, which then has swarms. */
  readonly runner: Option.Option<HostPort>
  readonly runnerListen: Option.Option<string>
  readonly data: Data
  /** Whether to say where it listens for a program. */
  readonly json: boolean
}

/** Serves until it is told to stop. */
export const run = Effect.fnUntraced(function* (options: Options) {
  const listenOn = Option.getOrUndefined(options.host)
  const publicUrl = yield* toldUrl(Option.getOrUndefined(options.publicUrl))
  const [lost] = publicUrl === undefined ? missing(options.roles, options.roleUrls) : []
  if (lost !== undefined) {
    return yield* new Failure({
      sentence: `Callers are to be told where ${lost} is: give --role-url ${lost}=URL, or the --public-url under which all roles are.`,
      code: exitCodes.usage
    })
  }
  const config = SwarmConfig.layer({
    privateNetworks: options.privateNetworks === "by-subnet" ? "BySubnet" : "OneSite"
  })
  const url = Option.getOrUndefined(options.cluster)
  if (url === undefined && Option.isSome(options.runner)) {
    return yield* new Failure({
      sentence: "A runner is one of a cluster: give --cluster postgres://… too.",
      code: exitCodes.usage
    })
  }
  const database = databaseIn({
    ...options.data,
    database: Option.orElse(options.data.database, () => options.cluster)
  })
  const joined = url === undefined ? undefined : yield* joining({ ...options, url, publicUrl }, database, config)
  const swarms = joined?.swarms ?? Swarms.layerEmbedded.pipe(Layer.provide(config))
  const service = Service.layer(
    {
      host: listenOn,
      port: options.port,
      proxies: options.proxies,
      publicUrl,
      roles: options.roles,
      roleUrls: options.roleUrls
    },
    { database, swarms }
  )
  const ready = Layer.effectDiscard(announced(listenOn, options.json))
  if (joined === undefined) return yield* ready.pipe(Layer.provide(service), Layer.launch)
  return yield* Layer.mergeAll(ready, joined.announced).pipe(
    Layer.provide(service),
    Layer.provide(joined.arrays),
    // A runner has swarms whatever roles it has.
    Option.isSome(options.runner) ? Layer.provideMerge(joined.swarms) : identity,
    Layer.launch
  )
})

/** Loaded only for a cluster. */
const joining = (...args: Parameters<typeof join>) =>
  Effect.flatMap(
    Effect.promise(() => import("../cluster/Joining.ts")),
    (Joining) => Joining.join(...args)
  )

const toldUrl = (text: string | undefined): Effect.Effect<string | undefined, Failure> =>
  text === undefined || Schema.is(EndpointUrl)(text)
    ? Effect.succeed(text?.replace(/\/+$/, ""))
    : Effect.fail(
        new Failure({
          sentence: `"${text}" is no URL that clients could be told; give one like https://service.example.`,
          code: exitCodes.badUrl
        })
      )

/** Says where it listens, for a person or a program, once it does. */
const announced = (listenOn: string | undefined, forPrograms: boolean) =>
  Effect.gen(function* () {
    const output = yield* Output
    const { address } = yield* HttpServer.HttpServer
    if (!NetAddress.isInetAddress(address)) return yield* Effect.die("an address without a port")
    const isEverywhere = NetAddress.isUnspecified(address.address)
    const shown = isEverywhere ? "127.0.0.1" : NetAddress.formatUrlHost(address.address)
    const url = `http://${shown}:${address.port}`
    yield* Startup.serving
    if (forPrograms) return yield* output.line(JSON.stringify({ listening: url }))
    const where = listenOn === undefined || isEverywhere ? ` and on this machine's other addresses` : ""
    return yield* output.note(`piecework-service listens at ${url}${where}. Stop it with Ctrl-C.`)
  })
