/**
 * Cache servers: ours, and others with the settings that suit one large file for many clients best. Each listens at one place and asks
 * one origin, wherever it runs.
 */
import { Effect, FileSystem, type Option, type Path, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Apps from "../Apps.ts"
import { type Daemon, type Invocation, Meter, ProgramError } from "../Meter.ts"
import * as Tools from "../Tools.ts"
import * as Configurations from "./Configurations.ts"
import * as Listening from "./Listening.ts"
import { authority, type Form, forms } from "./Requests.ts"

export const names = ["piecework", "nginx", "nginx-slice", "varnish"] as const
export type Name = (typeof names)[number]

export interface Place {
  /** The program as it runs there. */
  readonly inside: (invocation: Invocation) => Invocation
  readonly host: string
  readonly port: number
  /** Empty, and its own. */
  readonly folder: string
  readonly origin: { readonly host: string; readonly port: number }
  /** The service that knows contents, where there is one. */
  readonly service: string | undefined
}

type Needs = Scope.Scope | Meter | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

export interface Server {
  readonly name: Name
  readonly how: string
  readonly install: string
  readonly version: Effect.Effect<Option.Option<string>, never, Meter>
  /** How it can be asked. */
  readonly forms: ReadonlyArray<Form>
  /** Runs until the scope closes; answers when it accepts connections. */
  readonly start: (place: Place) => Effect.Effect<Daemon, ProgramError, Needs>
}

export const piecework: Server = {
  name: "piecework",
  how: "piecework-cache serve",
  install: "npm ci",
  version: Effect.succeedSome("bundle"),
  forms,
  start: Effect.fnUntraced(function* (place) {
    const meter = yield* Meter
    const program = Apps.cacheServer({
      host: place.host,
      port: place.port,
      folder: place.folder,
      origin: authority(place.origin.host, place.origin.port),
      service: place.service
    })
    const daemon = yield* meter.start(place.inside(program))
    yield* daemon.firstLine
    yield* Listening.waitFor(daemon, place.host, place.port)
    return daemon
  })
}

const written = (name: string) => (cause: { readonly message: string }) =>
  new ProgramError({ name, reason: "NotStarted", detail: cause.message, cause })

const configured = (
  about: Pick<Server, "name" | "how" | "install" | "version">,
  text: (options: Configurations.Options) => string,
  program: (file: string, place: Place) => Invocation
): Server => ({
  ...about,
  // Whichever form a client uses, the URL is what these two are asked for, so one form keeps them at one copy.
  forms: ["host"],
  start: Effect.fnUntraced(function* (place) {
    const meter = yield* Meter
    const fs = yield* FileSystem.FileSystem
    const file = `${place.folder}/configuration`
    const options = {
      folder: place.folder,
      listen: `${place.host}:${place.port}`,
      origin: { ...place.origin, authority: authority(place.origin.host, place.origin.port) }
    }
    yield* Effect.mapError(fs.writeFileString(file, text(options)), written(about.name))
    const daemon = yield* meter.start(place.inside(program(file, place)))
    yield* Listening.waitFor(daemon, place.host, place.port)
    return daemon
  })
})

const nginxVersion = Tools.saysOf("nginx", ["-v"], /nginx\/\S+/)
const installNginx = "apt-get install nginx-light"

/** What many use: one request for the whole file, and whoever comes meanwhile waits for its end. */
export const nginx = configured(
  { name: "nginx", how: "proxy_cache with proxy_cache_lock", install: installNginx, version: nginxVersion },
  Configurations.nginx,
  (file, { folder }) => Apps.nginx(file, folder)
)

export const nginxSlice = configured(
  { name: "nginx-slice", how: "the same by slices of 4 MiB", install: installNginx, version: nginxVersion },
  Configurations.nginxSlice,
  (file, { folder }) => Apps.nginx(file, folder)
)

/** Hands out while it fetches, as it comes out of the box. */
export const varnish = configured(
  {
    name: "varnish",
    how: "varnishd, file storage",
    install: "apt-get install varnish",
    version: Tools.saysOf("varnishd", ["-V"], /varnish-\d\S+/)
  },
  Configurations.varnish,
  (file, { folder, host, port }) => Apps.varnish(file, folder, `${host}:${port}`)
)

export const others: ReadonlyArray<Server> = [nginx, nginxSlice, varnish]
