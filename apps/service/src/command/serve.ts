/** `piecework-service`: all roles on one port, until told to stop. */
import { isIP } from "node:net"
import { Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
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

export const serve = Command.make("piecework-service", {
  host,
  port,
  publicUrl,
  roles,
  roleUrls,
  proxies,
  privateNetworks,
  cluster,
  runner,
  runnerListen
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
