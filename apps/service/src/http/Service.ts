/** The roles of this process on one port, with the health of the service. */
import { createServer, type Server } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { RoleUrls } from "@piecework/cloud/RoleUrls"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { exitCodes } from "../ExitCode.ts"
import { explained, Failure } from "../Failure.ts"
import { type RoleName, type RoleUrl, urlsOf } from "../role/RoleName.ts"
import * as Roles from "../role/Roles.ts"
import * as HealthRoute from "./HealthRoute.ts"
import * as HttpCaller from "./HttpCaller.ts"
import * as Limits from "./Limits.ts"

export interface Options extends HttpCaller.Options {
  /** Address to listen on; absent means all of this machine's. */
  readonly host: string | undefined
  /** 0 takes a free one. */
  readonly port: number
  /** What this process is to do. */
  readonly roles: readonly [RoleName, ...ReadonlyArray<RoleName>]
  /** Where roles are that callers find elsewhere than under the URL by which they came. */
  readonly roleUrls: ReadonlyArray<RoleUrl>
}

/** Serves from when it is built until its scope closes; gives the address it listens on. */
export const layer = (
  options: Options,
  rooms: Omit<Roles.Rooms, "takesReports">
): Layer.Layer<HttpServer.HttpServer, Failure> => {
  // A public URL is that of all roles, wherever they run.
  const takesReports =
    options.publicUrl !== undefined ||
    options.roles.includes("reports") ||
    options.roleUrls.some(({ role }) => role === "reports")
  const all = Roles.routes({ ...rooms, takesReports })
  const [first, ...others] = options.roles
  const routes = Layer.mergeAll(all[first], ...others.map((role) => all[role]), HealthRoute.layer, Limits.layer)
  const server = createServer(Limits.serverOptions)
  return HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide([HttpCaller.layer(options), Layer.succeed(RoleUrls, urlsOf(options.roleUrls))]),
    Layer.provideMerge(cutOff(server)),
    Layer.provideMerge(listening(server, options))
  )
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
