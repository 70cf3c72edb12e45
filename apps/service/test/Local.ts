/** The service in this process, on a free port, with its rooms replaced as a test wants. */
import { Catalog } from "@piecework/catalog/Catalog"
import * as CatalogConfig from "@piecework/catalog/CatalogConfig"
import * as CatalogGate from "@piecework/catalog/CatalogGate"
import { Database } from "@piecework/database/Database"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import { Context, Effect, Layer, Logger } from "effect"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { ofDatabase, explained } from "../src/Explained.ts"
import * as Trust from "../src/http/Trust.ts"
import * as Service from "../src/http/Service.ts"
import { EventLoop } from "@piecework/telemetry/EventLoop"
import { Readiness } from "../src/operation/Readiness.ts"
import { Traffic } from "../src/operation/Traffic.ts"
import { roleNames, type RoleName } from "../src/role/RoleName.ts"
import type { Rooms } from "../src/role/Roles.ts"

export interface Options extends Partial<Rooms> {
  readonly roles?: readonly [RoleName, ...ReadonlyArray<RoleName>]
  readonly consoleAt?: { readonly host: string; readonly port: number }
  readonly proxies?: ReadonlyArray<string>
  readonly requireEnrolment?: boolean
  readonly eventLoop?: Layer.Layer<EventLoop>
  readonly unknownContents?: "Refuse" | "Take"
}

/** Answers its URL; it serves until the scope closes. */
export const local = (options: Options = {}) =>
  Effect.gen(function* () {
    const [first = "geo", ...others] = roleNames
    const database = options.database ?? explained(Database.layerMemory, ofDatabase)
    const catalog = options.catalog ?? explained(Catalog.layer, ofDatabase).pipe(Layer.provide(database))
    // Most tests here are about calls, not about what is published.
    const unknownContents = options.unknownContents ?? "Take"
    const gate =
      options.gate ??
      explained(CatalogGate.layer, ofDatabase).pipe(
        Layer.provide(catalog),
        Layer.provideMerge(CatalogConfig.layer({ unknownContents }))
      )
    const operation = Readiness.layer.pipe(Layer.provideMerge([options.eventLoop ?? EventLoop.layer, Traffic.layer]))
    const service = Service.layer(
      {
        host: "127.0.0.1",
        port: 0,
        proxies: options.proxies ?? [],
        publicUrl: undefined,
        tls: undefined,
        consoleAt: options.consoleAt,
        isSecure: false,
        roles: options.roles ?? [first, ...others],
        roleUrls: []
      },
      {
        database,
        catalog,
        gate,
        ...(options.page === undefined ? {} : { page: options.page }),
        ...(options.groups === undefined ? {} : { groups: options.groups }),
        trust:
          options.trust ??
          Trust.make({ requireEnrolment: options.requireEnrolment ?? false, hasCredentials: true }, database),
        swarms: options.swarms ?? Swarms.layerEmbedded.pipe(Layer.provide(SwarmConfig.layer()))
      }
    )
    // One of its own, whatever else the test has built: routes and what goes round them are to have the same rooms.
    const context = yield* Layer.buildWithMemoMap(
      service.pipe(Layer.provideMerge(operation), Layer.provide(Logger.layer([]))),
      Layer.makeMemoMapUnsafe(),
      yield* Effect.scope
    )
    const { address } = Context.get(context, HttpServer.HttpServer)
    if (!NetAddress.isInetAddress(address)) return yield* Effect.die("an address without a port")
    return { url: `http://127.0.0.1:${address.port}`, context }
  })

/** What `GET /ready` answers. */
export const readyAt = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/ready`)
    const body = (await response.json()) as { readonly status: string; readonly roles: Record<string, string> }
    return { code: response.status, ...body }
  })

/** A call of the contract's, by hand. */
export const post = (url: string, tag: string, payload: unknown, headers: Record<string, string> = {}) =>
  Effect.promise(() =>
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: [] })
    })
  )

/** A content that need not be there. */
export const contentId = "DO-aGZA_I8Lc2F-ZsPzrXhTrcZaVte-PexJ5cOai52WjpQ"

/** A join as JSON has it, of a member with that number who still misses so many bytes. */
export const joinOf = (n: number, left = 1) => ({
  contentId,
  peerId: String(n).padStart(40, "0"),
  reportedIp: "127.0.0.1",
  port: 7000 + n,
  isBackground: false,
  dialect: { major: 1, minor: 0, build: 0, revision: 0 },
  uploaded: 0,
  downloaded: 0,
  downloadedCdn: 0,
  downloadedCache: 0,
  left,
  event: "Started",
  restrictedUpload: false,
  peersWanted: 50,
  scope: "Lan",
  restriction: "None",
  uploadedBps: 0,
  downloadedBps: 0,
  profile: 768,
  seq: 0
})
