/** What the commands about cache nodes have in common: where they are carried out, and the flags for what a node is to be. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as CacheNodeAdminRpcs from "@piecework/cloud/CacheNodeAdminRpcs"
import {
  AddressRange,
  DriveSetting,
  type NodeChange,
  NodeName,
  OriginPattern,
  UpdateRing,
  UpstreamProxy,
  WorkName
} from "@piecework/cloud/CacheNode"
import { CacheServer } from "@piecework/cloud/KeyValueRpcs"
import { fileName } from "@piecework/database/Database"
import * as NodeAdminHandlers from "@piecework/nodes/NodeAdminHandlers"
import { NodeFigures } from "@piecework/nodes/NodeFigures"
import { Nodes } from "@piecework/nodes/Nodes"
import * as NodesConfig from "@piecework/nodes/NodesConfig"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer, Option, Result, Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import type { RpcClient, RpcClientError, RpcGroup } from "effect/rpc"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"
import { credentials } from "../http/Trust.ts"
import { type Data, databaseIn } from "./options.ts"
import * as remote from "./remote.ts"

export type Client = RpcClient.RpcClient<
  RpcGroup.Rpcs<typeof CacheNodeAdminRpcs.CacheNodeAdminRpcs>,
  RpcClientError.RpcClientError
>

export type Where = remote.Where & { readonly data: Data }

/** Carries it out at the service, or in the data folder, which is made when there is none. */
export const administer = <A, E>(where: Where, use: (client: Client) => Effect.Effect<A, E>) => {
  const handlers = NodeAdminHandlers.layer.pipe(
    Layer.provide(NodeFigures.layer),
    Layer.provide(explained(Nodes.layer, ofDatabase)),
    Layer.provide([credentials, NodesConfig.layer()]),
    Layer.provide(databaseIn(where.data))
  )
  return remote
    .at(
      CacheNodeAdminRpcs.CacheNodeAdminRpcs,
      CacheNodeAdminRpcs.path,
      handlers
    )(where)(use)
    .pipe(
      Effect.mapError((error) => {
        if (Schema.is(CacheNodeAdminRpcs.NodeUnknown)(error)) {
          return new Failure({ sentence: error.message, code: exitCodes.notFound })
        }
        return Schema.is(CacheNodeAdminRpcs.NodeRefused)(error)
          ? new Failure({ sentence: error.message, code: exitCodes.usage })
          : error
      })
    )
}

/** The same for commands that only look, or change what is there: no folder is made. */
export const administerThere = <A, E>(where: Where, use: (client: Client) => Effect.Effect<A, E>) => {
  const { data, service } = where
  const isThere = Option.isSome(service) || Option.isSome(data.database) || existsSync(join(data.directory, fileName))
  if (isThere) return administer(where, use)
  return Effect.fail(
    new Failure({
      sentence: `There are no cache nodes in ${data.directory}; see piecework-service node create --help.`,
      code: exitCodes.notFound
    })
  )
}

/** All nodes, by name. */
export const all = (client: Client) =>
  Effect.gen(function* () {
    const found: Array<CacheNodeAdminRpcs.NodeRecord> = []
    let after: CacheNodeAdminRpcs.NodeRecord["id"] | undefined
    do {
      const page: {
        readonly nodes: ReadonlyArray<CacheNodeAdminRpcs.NodeRecord>
        readonly next?: CacheNodeAdminRpcs.NodeRecord["id"]
      } = yield* client.List({ ...(after === undefined ? {} : { after }), most: CacheNodeAdminRpcs.maxPage })
      found.push(...page.nodes)
      after = page.next
    } while (after !== undefined)
    return found.toSorted((a, b) => (a.settings.name < b.settings.name ? -1 : 1))
  })

/** Rows of a node, page by page. */
export const rows = (
  client: Client,
  asked: Parameters<Client["Metrics"]>[0] & { readonly most: number }
): ReturnType<Client["Metrics"]> =>
  Effect.gen(function* () {
    const found: Array<CacheNodeAdminRpcs.FigureRow> = []
    let from = asked.from
    let page: ReadonlyArray<CacheNodeAdminRpcs.FigureRow>
    do {
      page = yield* client.Metrics({ ...asked, from })
      found.push(...page)
      from = (page.at(-1)?.at ?? from) + 1
    } while (page.length === asked.most)
    return found
  })

export const isName = Schema.is(NodeName)
export const noName = (text: string) => `"${text}" is no name; it has 1 to 64 characters, and is not 16 hex digits`

export const node = Argument.String("NODE").pipe(
  Argument.withDescription("its name, or its id as the list shows it"),
  Argument.filter((text) => isName(text) || /^[0-9a-f]{16}$/.test(text), noName)
)

export const newName = Argument.String("NAME").pipe(
  Argument.withDescription("what people call it"),
  Argument.filter(isName, noName)
)

/** A flag that may be given several times, each text made into a value of the schema. */
const several = <A>(flag: {
  readonly name: string
  readonly metavar: string
  readonly description: string
  readonly parse: (text: string) => Option.Option<A>
  readonly refusal: string
  readonly most: number
}) =>
  Flag.String(flag.name).pipe(
    Flag.withMetavar(flag.metavar),
    Flag.withDescription(flag.description),
    Flag.filterMap(flag.parse, (text) => `"${text}" is ${flag.refusal}`),
    Flag.between(0, flag.most)
  )

const one = <A>(schema: Schema.Codec<A, A>, value: unknown): Option.Option<A> =>
  Result.getSuccess(Schema.decodeUnknownResult(schema)(value))

/** "http://cache.example:8080", "https://cache.example", or "cache.example". */
export const serverIn = (text: string): Option.Option<typeof CacheServer.Type> => {
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`
  if (!URL.canParse(url)) return Option.none()
  const { hostname, password, pathname, port, protocol, search, username } = new URL(url)
  if (pathname !== "/" || search !== "" || username !== "" || password !== "") return Option.none()
  const isTls = protocol === "https:"
  const host = hostname.replace(/^\[(.*)\]$/, "$1")
  return one(CacheServer, { host, port: port === "" ? (isTls ? 443 : 80) : Number(port), isTls })
}

/** "/srv/cache=200" with 10⁹ bytes each, or "/srv/cache" for as much as is free. */
export const driveIn = (text: string): Option.Option<DriveSetting> => {
  const [, path = "", size] = /^(\/.*?)(?:=(\d+))?$/.exec(text) ?? []
  return one(DriveSetting, size === undefined ? { path } : { path, sizeGb: Number(size) })
}

/** "proxy.example:3128". */
const proxyIn = (text: string): Option.Option<UpstreamProxy> =>
  Option.flatMap(serverIn(text), ({ host, port }) => one(UpstreamProxy, { host, port }))

/** "stable", or "beta" with a day from 1 (Monday), a week and a time: "beta,day=2,week=1,time=03:30". */
export const ringIn = (text: string): Option.Option<UpdateRing> => {
  const [ring = "", ...parts] = text.split(",")
  const rings = { stable: "Stable", beta: "Beta" } as Readonly<Record<string, string>>
  const fields = Object.fromEntries(
    parts.map((part) => {
      const [name = "", value = ""] = part.split("=")
      return [name, name === "time" ? value : Number(value)]
    })
  )
  return Object.keys(fields).every((name) => name === "day" || name === "week" || name === "time")
    ? one(UpdateRing, { ...fields, ring: rings[ring.toLowerCase()] })
    : Option.none()
}

/** Flags for what a node is to be; a list that is given is the whole list. */
export const settingFlags = {
  range: several({
    name: "range",
    metavar: "CIDR",
    description:
      "a network, as the service sees it, whose devices are told of the node; may be given several times; none: where its heartbeats come from",
    parse: (text) => one(AddressRange, text),
    refusal: "no network like 203.0.113.0/24 or 2001:db8::/32, without bits beyond its prefix",
    most: 128
  }),
  server: several({
    name: "server",
    metavar: "URL",
    description: "where devices reach it, as http://cache.example:8080, at most 4; none: where it says itself",
    parse: serverIn,
    refusal: "no place of a cache server like http://cache.example:8080",
    most: 4
  }),
  origin: several({
    name: "origin",
    metavar: "HOST",
    description:
      "an origin that it serves, as cdn.example or *.cdn.example, and no others; none: what its own files say",
    parse: (text) => one(OriginPattern, text),
    refusal: "no origin like cdn.example:8080 or *.cdn.example",
    most: 128
  }),
  parent: several({
    name: "parent",
    metavar: "URL",
    description: "a cache server that it asks before the origin, best first; at most 8",
    parse: serverIn,
    refusal: "no place of a cache server like http://cache.example:8080",
    most: 8
  }),
  drive: several({
    name: "drive",
    metavar: "PATH[=GB]",
    description: "a folder for what it holds, with 50 to 10000 GB or as much as is free; at most 9",
    parse: driveIn,
    refusal: "no drive like /srv/cache=200; it has an absolute path and 50 to 10000 GB",
    most: 9
  }),
  proxy: Flag.String("proxy").pipe(
    Flag.withMetavar("HOST:PORT"),
    Flag.withDescription("the HTTP proxy through which it reaches origins"),
    Flag.filterMap(proxyIn, (text) => `"${text}" is no proxy like proxy.example:3128`),
    Flag.optional
  ),
  updateRing: Flag.String("update-ring").pipe(
    Flag.withMetavar("RING"),
    Flag.withDescription('which versions it takes and when: "stable" or "beta", with day=1…7, week=1…4 and time=HH:MM'),
    Flag.filterMap(ringIn, (text) => `"${text}" is no ring like stable or beta,day=2,week=1,time=03:30`),
    Flag.optional
  ),
  egressLimit: Flag.Int("egress-limit").pipe(
    Flag.withMetavar("MBPS"),
    Flag.withDescription("most that it sends, in Mbit/s"),
    Flag.filter(
      (n) => n >= 1 && n <= 10_000_000,
      (n) => `--egress-limit is 1 to 10000000, but not ${n}`
    ),
    Flag.optional
  ),
  cid: Flag.String("cid").pipe(
    Flag.withDescription("X-CID of its answers"),
    Flag.filter(
      (text) => /^[\w.:-]{1,64}$/.test(text),
      () => "--cid has 1 to 64 letters, digits, dots, dashes and colons"
    ),
    Flag.optional
  )
}

/** Lists that are empty when they are taken back, and what the node's own files say then. */
export const resettable = ["ranges", "servers", ...WorkName.literals] as const

export interface SettingInput {
  readonly range: ReadonlyArray<string>
  readonly server: ReadonlyArray<typeof CacheServer.Type>
  readonly origin: ReadonlyArray<string>
  readonly parent: ReadonlyArray<typeof CacheServer.Type>
  readonly drive: ReadonlyArray<DriveSetting>
  readonly proxy: Option.Option<UpstreamProxy>
  readonly updateRing: Option.Option<UpdateRing>
  readonly egressLimit: Option.Option<number>
  readonly cid: Option.Option<string>
}

/** What the flags say; what they do not say is absent. */
export const settingsOf = (input: SettingInput): NodeChange["set"] => ({
  ...(input.range.length === 0 ? {} : { ranges: [...new Set(input.range)] }),
  ...(input.server.length === 0 ? {} : { servers: input.server }),
  ...(input.origin.length === 0 ? {} : { origins: [...new Set(input.origin)] }),
  ...(input.parent.length === 0 ? {} : { parents: input.parent }),
  ...(input.drive.length === 0 ? {} : { drives: input.drive }),
  ...(Option.isNone(input.proxy) ? {} : { proxy: input.proxy.value }),
  ...(Option.isNone(input.updateRing) ? {} : { updateRing: input.updateRing.value }),
  ...(Option.isNone(input.egressLimit) ? {} : { maxOutBps: input.egressLimit.value * bytesInMegabit }),
  ...(Option.isNone(input.cid) ? {} : { cid: input.cid.value })
})

const bytesInMegabit = 125_000
