/** All roles on one port: the contract's RPCs, the pieces hash files and the health of the service. */
import { createServer, type Server } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { Catalog } from "@piecework/catalog/Catalog"
import * as ContentPolicyHandlers from "@piecework/catalog/ContentPolicyHandlers"
import { ArrayRpcs } from "@piecework/cloud/ArrayRpcs"
import { ContentPolicyRpcs } from "@piecework/cloud/ContentPolicyRpcs"
import * as Directory from "@piecework/cloud/Directory"
import { DiscoveryRpcs } from "@piecework/cloud/DiscoveryRpcs"
import { GeoRpcs } from "@piecework/cloud/GeoRpcs"
import { KeyValueRpcs } from "@piecework/cloud/KeyValueRpcs"
import { paths } from "@piecework/cloud/Role"
import * as ArrayHandlers from "@piecework/swarm/ArrayHandlers"
import type { Swarms } from "@piecework/swarm/Swarms"
import type { Admission } from "@piecework/trust/Admission"
import type { Credentials } from "@piecework/trust/Credentials"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { exitCodes } from "../ExitCode.ts"
import { explained, Failure } from "../Failure.ts"
import * as HealthRoute from "./HealthRoute.ts"
import * as HttpCaller from "./HttpCaller.ts"
import * as Entrance from "./Entrance.ts"
import * as PhfRoute from "./PhfRoute.ts"
import * as TlsServer from "./TlsServer.ts"
import * as Trust from "./Trust.ts"

export interface Options extends HttpCaller.Options {
  /** Address to listen on; absent means all of this machine's. */
  readonly host: string | undefined
  /** 0 takes a free one. */
  readonly port: number
  /** For HTTPS; absent means plain HTTP. */
  readonly tls: TlsServer.Files | undefined
}

/** A defect in one call must not end the others. */
const overHttp = { protocol: "http", disableFatalDefects: true } as const

const roles = Layer.mergeAll(
  RpcServer.layerHttp({ group: GeoRpcs, path: paths.Geo, ...overHttp }),
  RpcServer.layerHttp({ group: KeyValueRpcs, path: paths.KeyValue, ...overHttp }),
  RpcServer.layerHttp({ group: ContentPolicyRpcs, path: paths.ContentPolicy, ...overHttp }),
  RpcServer.layerHttp({ group: DiscoveryRpcs, path: paths.Discovery, ...overHttp }),
  RpcServer.layerHttp({ group: ArrayRpcs, path: paths.Array, ...overHttp })
).pipe(Layer.provide([Directory.layer(), ContentPolicyHandlers.layer, ArrayHandlers.layer, RpcSerialization.layerJson]))

/** Serves from when it is built until its scope closes; gives the address it listens on. */
export const layer = (
  options: Options
): Layer.Layer<HttpServer.HttpServer, Failure, Admission | Catalog | Credentials | Swarms> => {
  const routes = Layer.mergeAll(roles, Trust.routes, PhfRoute.layer, HealthRoute.layer, Entrance.layer(options))
  const server =
    options.tls === undefined
      ? Effect.sync(() => createServer(Entrance.serverOptions))
      : TlsServer.make(options.tls, Entrance.serverOptions)
  const serving = (made: Server) =>
    HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provide(HttpCaller.layer),
      Layer.provideMerge(cutOff(made)),
      Layer.provideMerge(listening(made, options))
    )
  return Layer.unwrap(Effect.map(server, serving))
}

const listening = (server: Server, { host, port }: Options) =>
  explained(
    NodeHttpServer.layer(() => server, {
      port,
      ...(host === undefined ? {} : { host }),
      // Answers are short: whoever has none by then will not have it soon.
      gracefulShutdownTimeout: "2 seconds"
    }),
    (error) => refusal(error.cause, host, port)
  )

/** Between the last answer and the closed server: a caller that does not finish its request keeps nobody waiting. */
const cutOff = (server: Server) =>
  Layer.effectDiscard(
    Effect.andThen(
      HttpServer.HttpServer,
      Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
    )
  )

const refusal = (cause: unknown, host: string | undefined, port: number): Failure => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  const where = host === undefined ? `port ${port}` : `port ${port} of ${host}`
  switch (code) {
    case "EADDRINUSE":
      return new Failure({
        sentence: `Another program listens on ${where} already; choose another port with --port.`,
        code: exitCodes.portInUse
      })
    case "EACCES":
    case "EPERM":
      return new Failure({
        sentence: `This user may not listen on ${where}; choose a port above 1023 with --port.`,
        code: exitCodes.address
      })
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return new Failure({
        sentence: `${host ?? "The address"} is no address of this machine; choose another with --host.`,
        code: exitCodes.address
      })
    default:
      return new Failure({ sentence: `Cannot listen on ${where} (${String(code ?? cause)}).`, code: exitCodes.address })
  }
}
