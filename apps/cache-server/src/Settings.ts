/**
 * What a cache server is told to do: by its command line, by its environment, and by its settings file, of which the first that says
 * something counts. Each value is checked here; what is wrong is a sentence that names the word. Pure.
 */
import { isIP } from "node:net"
import * as AllowList from "@piecework/cachenode/AllowList"
import { ContentUrl } from "@piecework/domain"
import { Result, Schema } from "effect"
import * as Drive from "./Drive.ts"
import * as Place from "./Place.ts"
import { SettingsFile } from "./SettingsFile.ts"

export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", {
  /** As on the command line, without its dashes. */
  word: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `--${this.word}: ${this.detail}.`
  }
}

/** Another cache server, which is asked before the origin. */
export interface Parent {
  readonly host: string
  readonly port: number
  readonly protocol: "http:" | "https:"
}

export interface Settings {
  /** Where it serves by plain HTTP. */
  readonly http: Place.Place
  /** Where it serves by HTTPS, at the same addresses, and files in PEM for that. */
  readonly tls: { readonly port: number; readonly certificate: string; readonly key: string } | undefined
  /** Empty: one in the state folder. */
  readonly drives: ReadonlyArray<Drive.Drive>
  readonly allow: AllowList.AllowList
  /** As they were written. */
  readonly origins: ReadonlyArray<string>
  readonly parents: ReadonlyArray<Parent>
  readonly service: string | undefined
  readonly serviceCa: string | undefined
  /** Texts of keys, with commas between. */
  readonly serviceKey: string | undefined
  /** What people call it. */
  readonly name: string | undefined
  readonly cid: string | undefined
  readonly group: string | undefined
  /** Most that it sends to clients, bytes a second. */
  readonly maxOut: number | undefined
  /** Where peers are served; `undefined`: nowhere. */
  readonly peers: Place.Place | undefined
  /** Whether the local network is told that it is here. */
  readonly announce: boolean
}

/** What one of the three says. */
export type Said = SettingsFile

/** Bytes a second of one Mbit/s. */
const bytesOfMbit = 125_000

/** Ports where nothing else is said. */
export const usual = { http: 80, https: 443, peers: 7680 } as const

const names = {
  listen: "PIECEWORK_CACHE_LISTEN",
  tlsPort: "PIECEWORK_CACHE_TLS_PORT",
  tlsCert: "PIECEWORK_CACHE_TLS_CERT",
  tlsKey: "PIECEWORK_CACHE_TLS_KEY",
  drives: "PIECEWORK_CACHE_DRIVES",
  origins: "PIECEWORK_CACHE_ORIGINS",
  parents: "PIECEWORK_CACHE_PARENTS",
  service: "PIECEWORK_SERVICE",
  serviceCa: "PIECEWORK_SERVICE_CA",
  serviceKey: "PIECEWORK_SERVICE_KEY",
  name: "PIECEWORK_CACHE_NAME",
  cid: "PIECEWORK_CACHE_CID",
  group: "PIECEWORK_GROUP",
  egressLimit: "PIECEWORK_CACHE_EGRESS_LIMIT",
  peers: "PIECEWORK_CACHE_PEERS",
  peerPort: "PIECEWORK_CACHE_PEER_PORT",
  announce: "PIECEWORK_CACHE_ANNOUNCE"
} as const satisfies { readonly [K in keyof Said]-?: string }

const lists: ReadonlySet<string> = new Set(["drives", "origins", "parents"])
const truths: ReadonlyMap<string, boolean> = new Map([
  ["1", true],
  ["true", true],
  ["yes", true],
  ["0", false],
  ["false", false],
  ["no", false]
])

/** Lists have commas between their entries; an empty variable says nothing. */
export const fromEnvironment = (
  environment: Readonly<Record<string, string | undefined>>
): Result.Result<Said, SettingsError> => {
  const said: Record<string, unknown> = {}
  for (const [key, name] of Object.entries(names)) {
    const value = environment[name]?.trim() ?? ""
    if (value === "") continue
    if (key === "peers" || key === "announce") {
      const is = truths.get(value.toLowerCase())
      if (is === undefined) return refuse(key, `${name} is "${shown(value)}", and takes yes or no`)
      said[key] = is
    } else if (key === "tlsPort" || key === "egressLimit") {
      if (!/^\d{1,9}$/.test(value)) return refuse("config", `${name} is "${shown(value)}", and takes a whole number`)
      said[key] = Number(value)
    } else {
      said[key] = lists.has(key)
        ? value
            .split(",")
            .map((one) => one.trim())
            .filter((one) => one !== "")
        : value
    }
  }
  return Result.mapError(
    Schema.decodeUnknownResult(SettingsFile)(said),
    ({ message }) => new SettingsError({ word: "config", detail: message.replace(/\s+/g, " ").slice(0, 300) })
  )
}

/** The strongest comes first. */
export const resolve = (all: ReadonlyArray<Said>): Result.Result<Settings, SettingsError> =>
  Result.gen(function* () {
    const said: Said = all.toReversed().reduce((below, above) => ({ ...below, ...above }), {})
    const { announce = true, cid, group, name, service, serviceCa, serviceKey, tlsCert, tlsKey } = said
    if ((tlsCert === undefined) !== (tlsKey === undefined)) {
      return yield* refuse("tls-cert", "a certificate and its key belong together; give --tls-key as well")
    }
    if (tlsCert === undefined && said.tlsPort !== undefined) {
      return yield* refuse("tls-port", "HTTPS needs a certificate; give --tls-cert and --tls-key")
    }
    const origins = said.origins ?? []
    if (cid !== undefined && !/^[\w.:-]{1,64}$/.test(cid)) {
      return yield* refuse("cid", `"${shown(cid)}" is no id; it has up to 64 letters, digits, dots, colons and dashes`)
    }
    if (name !== undefined && !/^\P{Cc}{1,64}$/u.test(name)) {
      return yield* refuse("name", "a name has 1 to 64 characters")
    }
    return {
      http: yield* placeOf("listen", said.listen ?? usual.http),
      tls:
        tlsCert === undefined || tlsKey === undefined
          ? undefined
          : {
              port: said.tlsPort ?? usual.https,
              certificate: tlsCert,
              key: tlsKey
            },
      drives: yield* drivesOf(said.drives ?? []),
      allow: yield* Result.mapError(
        AllowList.parse(origins),
        ({ message }) => new SettingsError({ word: "origin", detail: message.replace(/\.$/, "") })
      ),
      origins,
      parents: yield* Result.all((said.parents ?? []).map(parentOf)),
      service: service === undefined ? undefined : yield* urlOf(service),
      serviceCa,
      serviceKey,
      name,
      cid,
      group,
      maxOut: said.egressLimit === undefined ? undefined : said.egressLimit * bytesOfMbit,
      peers: said.peers === false ? undefined : yield* placeOf("peer-port", said.peerPort ?? usual.peers),
      announce
    }
  })

const shown = (text: string): string => text.slice(0, 120)

const refuse = (word: string, detail: string): Result.Result<never, SettingsError> =>
  Result.fail(new SettingsError({ word, detail }))

const placeOf = (word: string, text: string | number): Result.Result<Place.Place, SettingsError> =>
  Result.fromOption(
    Place.parse(String(text)),
    () =>
      new SettingsError({ word, detail: `"${shown(String(text))}" is no port or address; give one like 0.0.0.0:8080` })
  )

const drivesOf = (texts: ReadonlyArray<string>): Result.Result<ReadonlyArray<Drive.Drive>, SettingsError> =>
  Result.gen(function* () {
    const drives = yield* Result.all(
      texts.map((text) =>
        Result.fromOption(
          Drive.parse(text),
          () =>
            new SettingsError({
              word: "drive",
              detail: `"${shown(text)}" is no folder with a size of at least 16 MiB; write it like /srv/cache:500GB`
            })
        )
      )
    )
    for (const [i, { folder }] of drives.entries()) {
      const other = drives.find((one, j) => j < i && isWithin(one.folder, folder))
      if (other !== undefined) {
        return yield* refuse(
          "drive",
          `${folder} and ${other.folder} are within each other; each drive has its own folder`
        )
      }
    }
    return drives
  })

const isWithin = (a: string, b: string): boolean =>
  a === b || a.startsWith(`${b.replace(/\/$/, "")}/`) || b.startsWith(`${a.replace(/\/$/, "")}/`)

/** Of "host", "host:port" or a URL of either; without a scheme it is asked by plain HTTP. */
const parentOf = (text: string): Result.Result<Parent, SettingsError> => {
  const refused = new SettingsError({
    word: "parent",
    detail: `"${shown(text)}" is no cache server; write it like cache.example, cache.example:8080 or https://cache.example`
  })
  const whole = /^[a-z]+:\/\//i.test(text) ? text : isIP(text) === 6 ? `http://[${text}]` : `http://${text}`
  if (!URL.canParse(whole)) return Result.fail(refused)
  const { hash, hostname, password, pathname, port, protocol, search, username } = new URL(whole)
  if (protocol !== "http:" && protocol !== "https:") return Result.fail(refused)
  if (pathname !== "/" || `${search}${hash}${username}${password}` !== "") return Result.fail(refused)
  return Result.succeed({
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? usual[protocol === "https:" ? "https" : "http"] : Number(port),
    protocol
  })
}

const urlOf = (text: string): Result.Result<string, SettingsError> =>
  Result.mapError(
    ContentUrl.parse(text),
    () =>
      new SettingsError({
        word: "service",
        detail: `"${shown(text)}" is no URL of a service; give one like http://host:7670`
      })
  )
