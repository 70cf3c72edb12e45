/**
 * Network namespaces that exist as long as a scope. Their names carry the process that made them, so that a later run
 * removes what a killed one has left, processes included, and nothing else.
 */
import { Effect, FileSystem, Option, Schema, type Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { type Command, script } from "./Shell.ts"
import * as Maker from "./Maker.ts"
import * as Shaping from "./Shaping.ts"
import * as Topology from "./Topology.ts"

/** The site cannot be built on this machine. */
export class SiteError extends Schema.TaggedError<SiteError>()("SiteError", {
  reason: Schema.Literals(["NotLinux", "NotRoot", "NoTool", "NoNamespaces", "NoRate", "Refused"]),
  /** A tool that is missing, or what the system said. */
  detail: Schema.String
}) {
  override get message(): string {
    const detail = this.detail.trim()
    switch (this.reason) {
      case "NotLinux":
        return "The scenario site builds network namespaces, which only Linux has."
      case "NotRoot":
        return "The scenario site builds network namespaces, which takes root; start it with sudo."
      case "NoTool":
        return `The scenario site needs ${detail}; apt-get install iproute2 nftables.`
      case "NoNamespaces":
        return `This system does not let the bench make network namespaces: ${detail}`
      case "NoRate":
        return `This kernel cannot give a line a rate (sch_htb): ${detail}`
      case "Refused":
        return `The site could not be built: ${detail}`
    }
  }
}

type Spawner = ChildProcessSpawner.ChildProcessSpawner

/** Runs commands as one script; answers its output, or fails with what it said. */
const run = Effect.fnUntraced(function* (commands: ReadonlyArray<Command>, limitMillis: number) {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const text = Stream.make(new TextEncoder().encode(script(commands)))
      const handle = yield* ChildProcess.make("sh", ["-s"], { stdin: text, killSignal: "SIGKILL" })
      const [stdout, stderr, code] = yield* Effect.all(
        [
          Stream.mkString(Stream.decodeText(handle.stdout)),
          Stream.mkString(Stream.decodeText(handle.stderr)),
          handle.exitCode
        ],
        { concurrency: "unbounded" }
      )
      return Number(code) === 0 ? stdout : yield* Effect.fail(stderr.trim().split("\n").slice(-2).join("; "))
    })
  ).pipe(
    Effect.mapError(String),
    Effect.timeoutOrElse({ duration: limitMillis, orElse: () => Effect.fail("it took too long") })
  )
})

const works = (...commands: ReadonlyArray<Command>): Effect.Effect<boolean, never, Spawner> =>
  Effect.match(run(commands, 10_000), { onFailure: () => false, onSuccess: () => true })

const folder = "/run/netns"

/** Ends what still runs inside, and removes the namespaces. */
const remove = Effect.fnUntraced(function* (namespaces: ReadonlyArray<string>) {
  for (const namespace of namespaces) {
    const pids = yield* run([["ip", "netns", "pids", namespace]], 10_000).pipe(Effect.orElseSucceed(() => ""))
    for (const pid of pids
      .split("\n")
      .filter((line) => line !== "")
      .map(Number)) {
      yield* Effect.ignore(Effect.try(() => process.kill(pid, "SIGKILL")))
    }
  }
  // One by one and whatever happens: what cannot be removed now is left for the next run to try.
  for (const namespace of namespaces) yield* Effect.ignore(run([["ip", "netns", "delete", namespace]], 10_000))
})

/** All namespaces of the bench, of this run and of others. */
export const list: Effect.Effect<ReadonlyArray<string>, never, FileSystem.FileSystem> = FileSystem.FileSystem.use(
  (fs) => fs.readDirectory(folder)
).pipe(
  Effect.map((names) => names.filter((name) => Option.isSome(Maker.of(name)))),
  Effect.orElseSucceed(() => [])
)

/** Removes what runs that are no more have left. Answers how many namespaces that were. */
export const sweep = Effect.gen(function* () {
  const stale = yield* Effect.filter(yield* list, Maker.isGone)
  yield* remove(stale)
  return stale.length
})

/** What this machine has to build a site with; fails in one sentence when that is not enough. */
export const means: Effect.Effect<Topology.Means, SiteError, Spawner | FileSystem.FileSystem> = Effect.gen(
  function* () {
    if (process.platform !== "linux") return yield* new SiteError({ reason: "NotLinux", detail: "" })
    if (process.getuid?.() !== 0) return yield* new SiteError({ reason: "NotRoot", detail: "" })
    for (const tool of ["ip", "tc"] as const) {
      if (!(yield* works([tool, "-V"])))
        return yield* new SiteError({ reason: "NoTool", detail: `${tool} of iproute2` })
    }
    const probe = `${yield* Maker.ownPrefix}probe`
    const fails = (reason: SiteError["reason"]) => (detail: string) => new SiteError({ reason, detail })
    return yield* Effect.acquireUseRelease(
      run([["ip", "netns", "add", probe]], 10_000).pipe(Effect.mapError(fails("NoNamespaces"))),
      () =>
        Effect.gen(function* () {
          yield* run(Shaping.limit(probe, "lo", "wan", 1e6), 10_000).pipe(Effect.mapError(fails("NoRate")))
          const firewall = yield* Effect.findFirst(["nft", "iptables"] as const, (one) =>
            works(...Shaping.masquerade(probe, "eth0", one))
          )
          if (Option.isNone(firewall)) {
            return yield* new SiteError({ reason: "NoTool", detail: "nft of nftables, or iptables, for NAT" })
          }
          yield* works(["tc", "-n", probe, "qdisc", "del", "dev", "lo", "root"])
          const netem = yield* works(...Shaping.delay(probe, "lo", 1))
          const hasCubic = yield* works(
            ["ip", "-n", probe, "link", "set", "dev", "lo", "up"],
            ["ip", "-n", probe, "route", "add", "192.0.2.1", "dev", "lo", "congctl", "cubic"]
          )
          return { firewall: firewall.value, delayBy: netem ? "netem" : "none", hasCubic } as const
        }),
      () => remove([probe])
    )
  }
)

/** Builds what is planned; it is gone with the scope. */
export const build = Effect.fn("Namespaces.build")(function* <
  Plan extends Pick<Topology.Topology, "namespaces" | "build">
>(planned: (prefix: string) => Plan): Effect.fn.Return<Plan, SiteError, Spawner | FileSystem.FileSystem | Scope.Scope> {
  const topology = planned(yield* Maker.ownPrefix)
  yield* Effect.acquireRelease(Effect.void, () =>
    Effect.flatMap(list, (all) => remove(all.filter((name) => topology.namespaces.includes(name))))
  )
  yield* run(topology.build, 120_000).pipe(Effect.mapError((detail) => new SiteError({ reason: "Refused", detail })))
  return topology
})

const Links = Schema.fromJsonString(
  Schema.Array(
    Schema.Struct({
      ifname: Schema.String,
      stats64: Schema.Struct({
        rx: Schema.Struct({ bytes: Schema.Finite }),
        tx: Schema.Struct({ bytes: Schema.Finite, dropped: Schema.Finite })
      })
    })
  )
)

/** Bytes of frames that have crossed a line, headers of Ethernet included. */
export interface Crossed {
  /** Towards the site. */
  readonly down: number
  readonly up: number
}

const noCounters = (cause: unknown) => new SiteError({ reason: "Refused", detail: `no counters: ${String(cause)}` })

/** The counters of every site's line, in their order, as the backbone's interfaces see them behind their queues. */
export const crossed = Effect.fn("Namespaces.crossed")(function* (topology: Topology.Topology) {
  const text = yield* run([["ip", "-n", topology.backbone, "-s", "-j", "link", "show"]], 10_000).pipe(
    Effect.mapError(noCounters)
  )
  const links = yield* Schema.decodeUnknownEffect(Links)(text).pipe(Effect.mapError(noCounters))
  return topology.sites.map((site): Crossed => {
    const link = links.find(({ ifname }) => ifname === site.line)
    return { down: link?.stats64.tx.bytes ?? 0, up: link?.stats64.rx.bytes ?? 0 }
  })
})
