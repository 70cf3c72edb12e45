/** Flags of the programs' commands. What they say of the server itself is checked where all that is said comes together (`Settings`). */
import { Config, Option, Schema } from "effect"
import { type Command, Flag } from "effect/cli"
import type { Said } from "../Settings.ts"
import { EgressLimit } from "../SettingsFile.ts"

const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withMetavar(metavar), Flag.optional)

const list = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withDescription(`${description}; can be repeated`),
    Flag.withMetavar(metavar),
    Flag.between(0, 1024)
  )

const switched = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.optional)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("print one JSON object instead of text"),
  Flag.withDefault(false)
)

export const all = Flag.Boolean("all").pipe(Flag.withDescription("everything that is kept"), Flag.withDefault(false))

export const state = Flag.String("state").pipe(
  Flag.withDescription("folder for what outlives the program, and for a drive when none is named"),
  Flag.withMetavar("DIR"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_CACHE_STATE")),
  Flag.optional
)

export const config = Flag.String("config").pipe(
  Flag.withDescription("settings file, JSON with the same words; read again on SIGHUP"),
  Flag.withMetavar("FILE"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_CACHE_CONFIG")),
  Flag.optional
)

export const service = text("service", "URL", "URL of the matching service, like https://host:7670")

export const serviceCa = text(
  "service-ca",
  "FILE",
  "certificates in PEM by which to know an https service, in place of the system's"
)

export const allowHttp = Flag.Boolean("allow-http").pipe(
  Flag.withDescription("enrol over plain HTTP, where others may read the token and the credential"),
  Flag.withDefault(false)
)

/** Of the server. */
export const server = {
  listen: text("listen", "[HOST:]PORT", "where to serve clients by plain HTTP; default 80 on all addresses"),
  tlsCert: text("tls-cert", "FILE", "certificate in PEM, to serve by HTTPS as well; read again when it changes"),
  tlsKey: text("tls-key", "FILE", "its private key in PEM"),
  tlsPort: Flag.Int("tls-port").pipe(
    Flag.withSchema(Schema.Port),
    Flag.withDescription("port to serve by HTTPS on, at the same addresses; default 443"),
    Flag.withMetavar("PORT"),
    Flag.optional
  ),
  drives: list(
    "drive",
    "DIR[:SIZE]",
    "folder to keep files in, and how much, like /srv/cache:500GB; default one in the state folder"
  ),
  origins: list(
    "origin",
    "NAME",
    "a server whose files clients may have: name, name:port, *.suffix or *, with https:// before it to ask it by TLS"
  ),
  parents: list("parent", "HOST", "a cache server to ask before the origin, like cache.example:8080, best first"),
  service,
  serviceCa,
  serviceKey: text(
    "service-key",
    "pwk_…",
    "keys of the service, with commas between: what it says of contents is to be signed by one of them"
  ),
  name: text("name", "NAME", "what people are to call it; default its host name"),
  cid: text("cid", "ID", "X-CID of its answers; default 100"),
  group: text("group", "ID", "the group of devices that are its peers; default those of its own network"),
  egressLimit: Flag.Int("egress-limit").pipe(
    Flag.withSchema(EgressLimit),
    Flag.withDescription("most that clients are sent, all together, in Mbit/s; default as much as they take"),
    Flag.withMetavar("MBIT"),
    Flag.optional
  ),
  peers: switched("peers", "serve peers and take pieces from them; --no-peers does neither"),
  peerPort: text("peer-port", "[HOST:]PORT", "where to serve peers; default 7680 on all addresses"),
  announce: switched("announce", "tell the local network by DNS-SD that it is here; --no-announce does not")
}

type Given = Command.Command.Config.Infer<typeof server>

/** What is there of options that may not be. */
export const given = <A extends {}, K extends string>(these: { readonly [P in K]: Option.Option<A> }): {
  readonly [P in K]?: A
} => {
  const there: Record<string, A> = {}
  for (const [key, value] of Object.entries<Option.Option<A>>(these)) if (Option.isSome(value)) there[key] = value.value
  return there as { readonly [P in K]?: A }
}

/** What the command line says of the server. */
export const said = ({ announce, drives, egressLimit, origins, parents, peers, tlsPort, ...texts }: Given): Said => ({
  ...given(texts),
  ...given({ egressLimit, tlsPort }),
  ...given({ announce, peers }),
  ...(drives.length === 0 ? {} : { drives }),
  ...(origins.length === 0 ? {} : { origins }),
  ...(parents.length === 0 ? {} : { parents })
})
