/** `piecework-service`: all roles on one port, until told to stop. */
import { isIP } from "node:net"
import { Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { data, json } from "./options.ts"

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

const requireEnrolment = Flag.Boolean("require-enrolment").pipe(
  Flag.withDescription("serve enrolled devices only; see piecework-service device --help"),
  Flag.withDefault(false)
)

const tlsCert = Flag.String("tls-cert").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("certificate in PEM for HTTPS, read again when it changes; default what init made"),
  Flag.optional
)

const tlsKey = Flag.String("tls-key").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("its private key in PEM"),
  Flag.optional
)

const plainHttp = Flag.Boolean("plain-http").pipe(
  Flag.withDescription("speak plain HTTP although init made a certificate; then put a proxy with TLS before it"),
  Flag.withDefault(false)
)

export const serve = Command.make("piecework-service", {
  host,
  port,
  publicUrl,
  proxies,
  privateNetworks,
  requireEnrolment,
  tlsCert,
  tlsKey,
  plainHttp
}).pipe(
  Command.withSharedFlags({ data, json }),
  Command.withDescription("The matching service: tells devices about contents and about each other"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      // A third of the program's start; the other commands do without.
      const { run } = yield* Effect.promise(() => import("../http/Serving.ts"))
      return yield* run(options)
    })
  )
)
