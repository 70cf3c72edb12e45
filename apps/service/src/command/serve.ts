/** `piecework-service`: all roles on one port, until told to stop. */
import { isIP } from "node:net"
import { EndpointUrl } from "@piecework/cloud/Fields"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import { Effect, Layer, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { exitCodes } from "../ExitCode.ts"
import { Failure } from "../Failure.ts"
import * as Service from "../http/Service.ts"
import { Output } from "../Output.ts"
import * as Startup from "../Startup.ts"
import { catalogIn, data, json } from "./options.ts"

const host = Flag.String("host").pipe(
  Flag.withMetavar("ADDRESS"),
  Flag.withDescription("address to listen on; default all addresses of this machine"),
  Flag.optional
)

const port = Flag.Int("port").pipe(
  Flag.withDescription("TCP port to listen on; 0 takes a free one"),
  Flag.withSchema(Schema.Port),
  Flag.withDefault(7670)
)

const publicUrl = Flag.String("public-url").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription("URL that clients are told; default the one by which they came"),
  Flag.optional
)

const proxies = Flag.String("trust-proxy").pipe(
  Flag.withMetavar("ADDRESS"),
  Flag.withDescription("a reverse proxy in front of the service, whose X-Forwarded-For says where devices are"),
  Flag.filter(
    (text) => isIP(text) !== 0,
    (text) => `"${text}" is no IP address; a proxy is known by the address it connects from`
  ),
  Flag.atLeast(0)
)

const privateNetworks = Flag.Literals("private-networks", ["one-site", "by-subnet"]).pipe(
  Flag.withDescription("how devices are grouped that reach the service without a NAT"),
  Flag.withDefault("one-site")
)

export const serve = Command.make("piecework-service", { host, port, publicUrl, proxies, privateNetworks }).pipe(
  Command.withSharedFlags({ data, json }),
  Command.withDescription("The matching service: tells devices about contents and about each other"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const listenOn = Option.getOrUndefined(options.host)
      const service = Service.layer({
        host: listenOn,
        port: options.port,
        proxies: options.proxies,
        publicUrl: yield* toldUrl(Option.getOrUndefined(options.publicUrl))
      })
      const swarms = Swarms.layerEmbedded.pipe(
        Layer.provide(
          SwarmConfig.layer({ privateNetworks: options.privateNetworks === "by-subnet" ? "BySubnet" : "OneSite" })
        )
      )
      const ready = Layer.effectDiscard(announced(listenOn, options.json))
      return yield* ready.pipe(Layer.provide(service), Layer.provide([catalogIn(options.data), swarms]), Layer.launch)
    })
  )
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
