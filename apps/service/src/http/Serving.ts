/** The service from its first word to its end. Loaded only when it is to serve. */
import { EndpointUrl } from "@piecework/cloud/Fields"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import { Effect, Layer, Option, Schema } from "effect"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { catalogIn, databaseIn } from "../command/options.ts"
import { exitCodes } from "../ExitCode.ts"
import { Failure } from "../Failure.ts"
import { Output } from "../Output.ts"
import * as Startup from "../Startup.ts"
import * as Service from "./Service.ts"
import * as TlsServer from "./TlsServer.ts"
import * as Trust from "./Trust.ts"

export interface Options {
  /** Address to listen on; all of this machine's when absent. */
  readonly host: Option.Option<string>
  /** 0 takes a free one. */
  readonly port: number
  /** What clients are told; the URL by which they came when absent. */
  readonly publicUrl: Option.Option<string>
  /** Reverse proxies that are believed. */
  readonly proxies: ReadonlyArray<string>
  readonly privateNetworks: "one-site" | "by-subnet"
  readonly data: string
  /** Whether devices that have not enrolled are refused. */
  readonly requireEnrolment: boolean
  /** Certificate and key for HTTPS; what `init` made when absent. */
  readonly tlsCert: Option.Option<string>
  readonly tlsKey: Option.Option<string>
  readonly plainHttp: boolean
  /** Whether to say where it listens for a program. */
  readonly json: boolean
}

/** Serves until it is told to stop. */
export const run = Effect.fnUntraced(function* (options: Options) {
  const listenOn = Option.getOrUndefined(options.host)
  const tls = yield* TlsServer.filesFor(options)
  const service = Service.layer({
    host: listenOn,
    port: options.port,
    proxies: options.proxies,
    tls,
    isSecure: tls !== undefined,
    publicUrl: yield* toldUrl(Option.getOrUndefined(options.publicUrl))
  })
  const swarms = Swarms.layerEmbedded.pipe(
    Layer.provide(
      SwarmConfig.layer({ privateNetworks: options.privateNetworks === "by-subnet" ? "BySubnet" : "OneSite" })
    )
  )
  const trust = Trust.layer(options).pipe(Layer.provide(databaseIn(options.data)))
  const ready = Layer.effectDiscard(announced(listenOn, tls === undefined ? "http" : "https", options.json))
  return yield* ready.pipe(
    Layer.provide(service),
    Layer.provide([catalogIn(options.data), swarms, trust]),
    Layer.launch
  )
})

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
const announced = (listenOn: string | undefined, scheme: "http" | "https", forPrograms: boolean) =>
  Effect.gen(function* () {
    const output = yield* Output
    const { address } = yield* HttpServer.HttpServer
    if (!NetAddress.isInetAddress(address)) return yield* Effect.die("an address without a port")
    const isEverywhere = NetAddress.isUnspecified(address.address)
    const shown = isEverywhere ? "127.0.0.1" : NetAddress.formatUrlHost(address.address)
    const url = `${scheme}://${shown}:${address.port}`
    yield* Startup.serving
    if (forPrograms) return yield* output.line(JSON.stringify({ listening: url }))
    const where = listenOn === undefined || isEverywhere ? ` and on this machine's other addresses` : ""
    return yield* output.note(`piecework-service listens at ${url}${where}. Stop it with Ctrl-C.`)
  })
