/** `piecework-service`: all roles on one port, until told to stop. */
import { isIP } from "node:net"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { Failure } from "@piecework/terminal/Failure"
import { exitCodes } from "../ExitCode.ts"
import { addressIn } from "@piecework/telemetry/Address"
import * as Flags from "@piecework/telemetry/Flags"
import { proxyIn } from "../http/Proxies.ts"
import { rateIn } from "../http/Rate.ts"
import { formats, levels } from "../operation/Logs.ts"
import { roleNames, rolesIn, roleUrlIn } from "../role/RoleName.ts"
import * as RunnerAddress from "../cluster/RunnerAddress.ts"
import { data, json, postgresUrl } from "./options.ts"

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
  Flag.withMetavar("ADDRESS[/BITS]"),
  Flag.withDescription("a reverse proxy in front of the service, whose X-Forwarded-For says where devices are"),
  Flag.filterMap(
    proxyIn,
    (text) => `"${text}" is no IP address or network; a proxy is known by the address it connects from`
  ),
  Flag.atLeast(0)
)

const privateNetworks = Flag.Literals("private-networks", ["one-site", "by-subnet"]).pipe(
  Flag.withDescription("how devices are grouped that reach the service without a NAT"),
  Flag.withDefault("one-site")
)

const unknownContents = Flag.Literals("unknown-contents", ["refuse", "take"]).pipe(
  Flag.withDescription("whether devices may meet about contents that are not published here"),
  Flag.withDefault("refuse")
)

const roles = Flag.String("roles").pipe(
  Flag.withMetavar("ROLE,…"),
  Flag.withDescription(`what this process does, of ${roleNames.join(", ")}; default all`),
  Flag.withDefault(roleNames.join(",")),
  Flag.filterMap(rolesIn, (text) => `"${text}" is no list of roles; they are ${roleNames.join(", ")}`)
)

const roleUrls = Flag.String("role-url").pipe(
  Flag.withMetavar("ROLE=URL"),
  Flag.withDescription("where a role is that this process does not have; may be repeated, for a role too"),
  Flag.filterMap(roleUrlIn, (text) => `"${text}" is no role and URL; give one like array=https://arrays.example`),
  Flag.atLeast(0)
)

const logFormat = Flag.Literals("log-format", formats).pipe(
  Flag.withDescription("how log lines are written"),
  Flag.withDefault("text")
)

const logFolder = Flag.String("log-folder").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("write the log to files in this folder as well, for piecework log --path DIR; default none"),
  Flag.optional
)

const logLevel = Flag.Literals("log-level", levels).pipe(
  Flag.withDescription("what is logged; each request at debug"),
  Flag.withDefault("info")
)

const cluster = postgresUrl(
  "cluster",
  "PIECEWORK_CLUSTER",
  "PostgreSQL database by which the processes of a cluster find each other, and of the service if --database names no other"
)

const runner = Flag.String("runner").pipe(
  Flag.withMetavar("HOST:PORT"),
  Flag.withDescription("have swarms, and be reached by the other processes of the cluster there"),
  Flag.filterMap(RunnerAddress.parse, (text) => `"${text}" is no place that others could reach, like 10.0.0.7:7671`),
  Flag.optional
)

const runnerListen = Flag.String("runner-listen").pipe(
  Flag.withMetavar("ADDRESS"),
  Flag.withDescription("address to listen on for them; default the host of --runner"),
  Flag.filter(
    (text) => isIP(text) !== 0,
    (text) => `"${text}" is no IP address`
  ),
  Flag.optional
)

const consoleFlag = Flag.Boolean("console").pipe(
  Flag.withDescription("serve the console at /console/, the page for operators; --no-console does without"),
  Flag.withDefault(true)
)

const consoleAt = Flag.String("console-at").pipe(
  Flag.withMetavar("HOST:PORT"),
  Flag.withDescription("serve the console there and nowhere else; default with everything else"),
  Flag.filterMap(addressIn, (text) => `"${text}" is no address and port; give one like 127.0.0.1:7672`),
  Flag.optional
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

const rate = (name: string, whose: string, usual: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("N[/BURST]"),
    Flag.withDescription(`requests that ${whose} may make in a second, and at once after a pause; default ${usual}`),
    Flag.filterMap(rateIn, (text) => `"${text}" is no rate; give requests a second like 500, or 500/2000 with a burst`),
    Flag.optional
  )

const perAddress = rate("rate-per-address", "all devices behind one address", "5000/20000")
const perIdentity = rate("rate-per-device", "an enrolled device or an operator", "50/500")

const days = (name: string, least: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("DAYS"),
    Flag.withDescription(description),
    Flag.filter(
      (n) => n >= least && n <= mostDays,
      () => `it is ${least} to ${mostDays} days`
    ),
    Flag.optional
  )
const mostDays = 36_500

const keepEvents = days("keep-events", 1, "how long each report is kept, for export; default 35")
const keepSums = days("keep-sums", 28, "how long sums of reports by day are kept; default 400")

const places = Flag.String("places").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription('which networks are where, for reports: [{"network":"203.0.113.0/24","city":"Bonn"}, …]'),
  Flag.optional
)

export const serve = Command.make("piecework-service", {
  host,
  port,
  publicUrl,
  roles,
  roleUrls,
  proxies,
  privateNetworks,
  unknownContents,
  metrics: Flags.metrics(9670),
  otlp: Flags.otlp,
  logFolder,
  logFormat,
  logLevel,
  cluster,
  runner,
  runnerListen,
  console: consoleFlag,
  consoleAt,
  requireEnrolment,
  tlsCert,
  tlsKey,
  plainHttp,
  perAddress,
  perIdentity,
  keepEvents,
  keepSums,
  places
}).pipe(
  Command.withSharedFlags({ data, json }),
  Command.withDescription("The matching service: tells devices about contents and about each other"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      // A third of the program's start; the other commands do without.
      const { run } = yield* Effect.promise(() => import("../http/Serving.ts"))
      const [first, ...more] = options.roles.filter((role) => role !== "console" || options.console)
      if (first === undefined) {
        return yield* new Failure({
          sentence: "A process whose only role is console has nothing to do with --no-console.",
          code: exitCodes.usage
        })
      }
      return yield* run({
        ...options,
        roles: [first, ...more],
        log: { folder: Option.getOrUndefined(options.logFolder), format: options.logFormat, level: options.logLevel }
      })
    })
  )
)
