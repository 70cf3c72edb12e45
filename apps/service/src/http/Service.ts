/** The roles of this process on one port, with the health of the service. */
import { createServer, type Server } from "node:http"
import type * as ConsoleSession from "@piecework/cloud/ConsoleSession"
import { RoleUrls } from "@piecework/cloud/RoleUrls"
import { ReachConfig } from "@piecework/reach"
import type { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { drain } from "../operation/Drain.ts"
import { Readiness } from "../operation/Readiness.ts"
import { logged } from "../operation/RequestLog.ts"
import { Traffic } from "../operation/Traffic.ts"
import { type RoleName, type RoleUrl, urlsOf } from "../role/RoleName.ts"
import * as Roles from "../role/Roles.ts"
import type { Address } from "@piecework/telemetry/Address"
import * as ConsoleDoor from "../console/ConsoleDoor.ts"
import * as ArrayShortcut from "./ArrayShortcut.ts"
import * as Entrance from "./Entrance.ts"
import * as HealthRoute from "./HealthRoute.ts"
import * as HttpCaller from "./HttpCaller.ts"
import { listening } from "@piecework/telemetry/Listening"
import * as Observed from "./Observed.ts"
import * as Proxies from "./Proxies.ts"
import * as ShortcutServer from "./ShortcutServer.ts"
import * as TlsServer from "./TlsServer.ts"
import type { Trust } from "./Trust.ts"

export interface Options extends HttpCaller.Options, Address {
  /** What this process is to do. */
  readonly roles: readonly [RoleName, ...ReadonlyArray<RoleName>]
  /** Where roles are that callers find elsewhere than under the URL by which they came. */
  readonly roleUrls: ReadonlyArray<RoleUrl>
  /** Address of the console alone; with everything else when absent. */
  readonly consoleAt?: Address | undefined
  /** For HTTPS; absent means plain HTTP. */
  readonly tls: TlsServer.Files | undefined
}

/** Serves from when it is built until its scope closes, and then until what has come is answered; gives the address it listens on. */
export const layer = (
  options: Options,
  rooms: Omit<Roles.Rooms, "takesReports">
): Layer.Layer<HttpServer.HttpServer, Failure, Readiness | Traffic> => {
  // A public URL is that of all roles, wherever they run.
  const takesReports =
    options.publicUrl !== undefined ||
    options.roles.includes("reports") ||
    options.roleUrls.some(({ role }) => role === "reports")
  // Who comes by a proxy of ours is known by its own address; the proxy itself is nobody's device.
  const reach = ReachConfig.layer({ bars: Proxies.make(options.proxies).has, knowsProxies: options.proxies.length > 0 })
  const all = Roles.routes({ reach, ...rooms, takesReports })
  const [first, ...others] = options.roles
  const door = ConsoleDoor.make()
  const routes = Layer.mergeAll(
    all[first],
    ...others.map((role) => all[role]),
    rooms.trust.routes,
    options.roles.includes("console")
      ? rooms.trust.sessions({ ...options, areas: areasOf(options, rooms.trust) })
      : Layer.empty,
    HealthRoute.layer,
    Entrance.layer(options, options.consoleAt === undefined ? undefined : door)
  )
  const caller = Observed.layer.pipe(Layer.provide(HttpCaller.layer))
  const serving = (server: Server) => {
    const entry = ShortcutServer.make(server)
    // Its end comes before that of what it stands on: the routes go when nobody needs them any more.
    const stopping = Layer.effectDiscard(
      Effect.gen(function* () {
        const readiness = yield* Readiness
        const traffic = yield* Traffic
        yield* Effect.addFinalizer(() => drain(server, readiness, traffic))
      })
    )
    const watching = Layer.effectDiscard(
      Effect.gen(function* () {
        entry.onArrival = (yield* Traffic).watching(yield* logged(options.proxies))
      })
    )
    const shortcut = options.roles.includes("array")
      ? ArrayShortcut.layer(entry, options).pipe(Layer.provide([rooms.swarms, rooms.gate]))
      : Layer.empty
    const other = options.consoleAt === undefined ? Layer.empty : beside(options.consoleAt, options.tls, door, server)
    return Layer.merge(stopping, other).pipe(
      Layer.provideMerge(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })),
      Layer.provide(shortcut),
      Layer.provide([caller, Layer.succeed(RoleUrls, urlsOf(options.roleUrls))]),
      Layer.provideMerge(listening(() => server, options, "--port")),
      Layer.provide(watching),
      Layer.provide(rooms.trust.admission)
    )
  }
  return Layer.unwrap(Effect.map(serverFor(options.tls), serving))
}

/** Another server for the same, whose own address is nobody's business here. */
const beside = (at: Address, tls: TlsServer.Files | undefined, door: ConsoleDoor.ConsoleDoor, main: Server) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const server = yield* serverFor(tls)
      door.lead(server, main)
      yield* Layer.build(listening(() => server, at, "--console-at"))
    })
  )

/** Whose calls are answered where the console is: by this process, or by whoever else is under its public URL. */
const areasOf = ({ publicUrl, roles }: Options, { hasCredentials }: Trust): ReadonlyArray<ConsoleSession.Area> => {
  const has = (role: RoleName) => publicUrl !== undefined || roles.includes(role)
  const areas: ReadonlyArray<readonly [ConsoleSession.Area, boolean]> = [
    ["Contents", has("content-policy")],
    ["Swarms", has("array")],
    ["Reports", has("reports")],
    ["Nodes", has("kv")],
    ["Trust", hasCredentials]
  ]
  return areas.flatMap(([area, isThere]) => (isThere ? [area] : []))
}

const serverFor = (tls: TlsServer.Files | undefined) =>
  tls === undefined
    ? Effect.sync((): Server => createServer(Entrance.serverOptions))
    : TlsServer.make(tls, Entrance.serverOptions)
