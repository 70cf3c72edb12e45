import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudError } from "@piecework/cloud"
import { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import * as Bitfield from "@piecework/domain/Bitfield"
import { PeerId } from "@piecework/domain/Peer"
import type { Downloader, Progress } from "@piecework/download"
import { SwarmConfig, Swarms } from "@piecework/swarm"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Clock, Context, Effect, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { expectFile } from "./downloads.ts"
import { within } from "./within.ts"

const rate = 50_000
const pieces = 150
const bytes = World.bytesOf(pieces * 4096 - 99)
/** Milliseconds in which a line carries one copy. */
const oneCopy = (bytes.length / rate) * 1000
/** What is slow is looked for so often, in ms: real threads hash, so no two runs are the same, and one may need a look more. */
const look = 500

const siteIps = ["203.0.113.1", "198.51.100.1"] as const
const siteOf = (host: string) => (host.startsWith("10.1.") ? 1 : host.startsWith("10.0.") ? 0 : undefined)

/** A line for each site, 20 ms long, and a fat network inside. */
const network = (): MemoryNetwork.Options => {
  const lines = [MemoryNetwork.line(rate), MemoryNetwork.line(rate)]
  return {
    link: (from, to) => {
      const site = siteOf(to)
      // What the service says is nothing beside a real file, and would be much beside this one.
      const line = site === undefined || site === siteOf(from) || from === World.serviceHost ? undefined : lines[site]
      return line === undefined ? { latency: "1 millis" } : { latency: "10 millis", lines: [line] }
    }
  }
}

/** Swarms that can be gone for a while and come back without a memory, 30 ms away. */
const makeService = Effect.fnUntraced(function* (world: World.World) {
  const fresh = Effect.map(
    Layer.build(Layer.fresh(Swarms.Swarms.layerEmbedded.pipe(Layer.provide(SwarmConfig.layer())))),
    (context) => Context.get(context, Swarms.Swarms)
  )
  // Both before any client, so that they are closed after all of them.
  const first = yield* fresh
  const second = yield* fresh
  const swarms = yield* Ref.make<Swarms.Swarms["Service"] | undefined>(first)
  const base = Context.get(yield* Layer.build(world.cloud), Cloud.Cloud)
  const call = <A, E>(url: string, use: (swarms: Swarms.Swarms["Service"]) => Effect.Effect<A, E>) =>
    Effect.flatMap(Ref.get(swarms), (current) => {
      const gone = new CloudError.CloudError({ role: "Array", url, reason: "Unreachable" })
      return current === undefined ? Effect.fail(gone) : Effect.mapError(use(current), () => gone)
    })
  /** `isDead`: nothing that the client says goes out any more. */
  const cloudAt = (externalIp: string, isDead: () => boolean = () => false) => {
    const ask = <A, E>(url: string, use: (swarms: Swarms.Swarms["Service"]) => Effect.Effect<A, E>) =>
      Effect.suspend(() => (isDead() ? Effect.never : Effect.delay(call(url, use), "30 millis")))
    return Layer.succeed(Cloud.Cloud, {
      ...base,
      join: (url, request) => ask(url, (current) => current.join(request, externalIp)),
      lease: (url, request) => ask(url, (current) => current.lease(request, externalIp)),
      // Said when a scope closes, while no clock runs.
      leave: (url, request) =>
        Effect.suspend(() => (isDead() ? Effect.void : call(url, (current) => current.leave(request, externalIp))))
    })
  }
  return {
    cloudAt,
    stop: Ref.set(swarms, undefined),
    restart: Ref.set(swarms, second)
  }
})

interface Running {
  readonly client: World.TestClient
  readonly active: Downloader.ActiveDownload
  /** As when it loses power: nobody hears of it any more. */
  readonly kill: Effect.Effect<void>
}

const makeScene = Effect.gen(function* () {
  const world = yield* World.make({ network: network() })
  const { url, phf } = yield* world.publish("/image", bytes)
  const service = yield* makeService(world)
  // A cluster gets going on its first tick.
  yield* TestClock.adjust(1)
  let n = 0
  const start = Effect.fnUntraced(function* (
    site: 0 | 1 = 0,
    config: NonNullable<World.ClientOptions["config"]> = {},
    mode: "Lan" | "Group" = "Lan"
  ) {
    const host = `10.${site}.0.${++n}`
    let isDead = false
    const client = yield* world.client({ host, cloud: service.cloudAt(siteIps[site], () => isDead), config })
    const active = yield* client.start({ url, mode })
    const kill = Effect.gen(function* () {
      isDead = true
      yield* world.network.reset(host)
      yield* world.network.cut(host)
    })
    return { client, active, kill } satisfies Running
  })
  /** But for the probes, 1 KiB a client whatever the file: beside a real one they are nothing. */
  const copies = () => {
    const probes = world.origin.requests().filter((request) => request === "GET /image bytes=0-1023").length
    return (world.origin.sent("/image") - probes * 1024) / bytes.length
  }
  return { world, url, phf, service, start, copies }
})

/** When each was done, in milliseconds from now. */
const finish = Effect.fnUntraced(function* (running: ReadonlyArray<Running>) {
  const began = yield* Clock.currentTimeMillis
  const done = running.map(({ client, active }) =>
    Effect.gen(function* () {
      const result: Progress.DownloadResult = yield* expectFile(client, active, bytes)
      return { result, at: (yield* Clock.currentTimeMillis) - began }
    })
  )
  const all = yield* within("10 minutes", Effect.all(done, { concurrency: "unbounded" }))
  const times = all.map(({ at }) => at).toSorted((a, b) => a - b)
  return { results: all.map(({ result }) => result), last: times.at(-1) ?? 0, median: times[times.length >> 1] ?? 0 }
})

const many = <A, E, R>(n: number, one: (i: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: n }), (_, i) => one(i), { concurrency: "unbounded" })

describe("with leases", () => {
  it.effect("thirty clients of one site that start together cost the origin one copy, and end with the line", () =>
    Effect.gen(function* () {
      const { start, copies } = yield* makeScene
      const running = yield* many(30, () => start())
      const { last, median } = yield* finish(running)
      log("together", copies(), last / oneCopy, median / oneCopy)
      assert.isAtMost(copies(), 1.03)
      assert.isAtMost(last, 1.15 * oneCopy + look)
      assert.isAtMost(median, 1.1 * oneCopy + look)
    })
  )

  it.effect("twenty that come one every second cost one copy", () =>
    Effect.gen(function* () {
      const { start, copies } = yield* makeScene
      const running: Array<Running> = []
      for (let n = 0; n < 20; n++) {
        running.push(yield* start())
        yield* TestClock.adjust("1 second")
      }
      yield* finish(running)
      log("staggered", copies())
      assert.isAtMost(copies(), 1.1)
    })
  )

  it.effect("a fifth that is killed half-way and comes back costs little", () =>
    Effect.gen(function* () {
      const { start, copies } = yield* makeScene
      const running = yield* many(15, () => start())
      yield* run(oneCopy / 2)
      yield* Effect.forEach(running.slice(0, 3), ({ kill }) => kill, { discard: true })
      const back = yield* many(3, () => start())
      const { last } = yield* finish([...running.slice(3), ...back])
      log("killed", copies(), last / oneCopy)
      assert.isAtMost(copies(), 1.1)
      assert.isAtMost(last, 0.9 * oneCopy + look)
    })
  )

  it.effect("two sites of one group cost one copy each, and each takes a piece over its line once", () =>
    Effect.gen(function* () {
      const { start, copies } = yield* makeScene
      const running = yield* many(16, (i) => start(i % 2 === 0 ? 0 : 1, { groupId: "office" }, "Group"))
      const { results, last } = yield* finish(running)
      const far = results.reduce((sum, { received }) => sum + received.Group, 0) / bytes.length
      log("two sites", copies(), far, last / oneCopy)
      // What one site has got from the other it has not got from the origin.
      assert.isAtMost(copies() + far, 2 * 1.03)
      assert.isAtMost(last, 1.15 * oneCopy + look)
    })
  )

  it.effect("a service that dies half-way and comes back without a memory costs little", () =>
    Effect.gen(function* () {
      const { start, copies, service } = yield* makeScene
      const running = yield* many(12, () => start())
      yield* run(oneCopy / 3)
      yield* service.stop
      const before = copies()
      yield* run(5_000)
      yield* service.restart
      const { last } = yield* finish(running)
      log("service gone", before, copies(), (last + 5_000 + oneCopy / 3) / oneCopy)
      assert.isAtMost(copies(), 1.1)
      assert.isAtMost(last + 5_000 + oneCopy / 3, 1.25 * oneCopy + look)
    })
  )

  it.effect("a member that takes leases and never fetches holds nobody up for long", () =>
    Effect.gen(function* () {
      const { start, copies, service, phf } = yield* makeScene
      yield* Effect.forkScoped(hoard(service.cloudAt(siteIps[0]), phf.contentId))
      const running = yield* many(8, () => start())
      const { last } = yield* finish(running)
      log("hoarder", copies(), last / oneCopy)
      assert.isAtMost(copies(), 1.1)
      assert.isAtMost(last, 1.5 * oneCopy)
    })
  )

  it.effect("a member that says that it holds everything, and gives nothing, costs the site seconds", () =>
    Effect.gen(function* () {
      const { start, copies, service, phf } = yield* makeScene
      yield* Effect.forkScoped(hoard(service.cloudAt(siteIps[0]), phf.contentId, true))
      const running = yield* many(8, () => start())
      const { last } = yield* finish(running)
      log("boaster", copies(), (last - oneCopy) / 1000)
      assert.isAtMost(copies(), 1.1)
      assert.isAtMost(last, oneCopy + 15_000)
    })
  )

  it.effect("a client that is alone asks the origin as soon as one without, and is done as soon", () =>
    Effect.gen(function* () {
      const timed = Effect.fnUntraced(function* (leases: boolean) {
        const { start, copies, service, world } = yield* makeScene
        if (!leases) yield* service.stop
        const began = yield* Clock.currentTimeMillis
        const running = yield* start(0)
        let first = 0
        for (; first < 500 && world.origin.requests().length < 2; first += 5) yield* TestClock.adjust("5 millis")
        const { last } = yield* finish([running])
        assert.isAtMost(copies(), 1.01)
        return { first, last: last + (yield* Clock.currentTimeMillis) - began - last }
      })
      const without = yield* timed(false)
      const withLeases = yield* timed(true)
      log("alone", JSON.stringify({ without, withLeases, oneCopy }))
      assert.isAtMost(withLeases.first, without.first + 60)
      // The clock goes by 50 ms.
      assert.isAtMost(withLeases.last, without.last + 100)
    })
  )
})

const log = (...what: ReadonlyArray<unknown>) => {
  if (process.env["FIGURES"] !== undefined) console.log(...what)
}

/** Lets the clock run. */
const run = (millis: number) => within("10 minutes", Effect.sleep(millis))

/** Asks for all it can get, goes on with it, and fetches nothing; or says that it has it all. */
const hoard = Effect.fnUntraced(function* (
  layer: Layer.Layer<Cloud.Cloud>,
  contentId: LeaseRequest["contentId"],
  boasts = false
) {
  const cloud = Context.get(yield* Layer.build(layer), Cloud.Cloud)
  const [array] = yield* cloud.discover(yield* cloud.whereabouts, contentId)
  const greed = new LeaseRequest({
    contentId,
    peerId: PeerId.make("e".repeat(40)),
    reportedIp: "10.0.0.99",
    scope: "Lan",
    pieceCount: pieces,
    pieceSize: 4096,
    held: boasts ? Bitfield.full(pieces).bytes : new Uint8Array(Math.ceil(pieces / 8)),
    keep: boasts ? [] : [{ first: 0, count: pieces }],
    most: boasts ? 0 : 256,
    originRate: 1_000_000_000,
    seq: 0
  })
  return yield* cloud.lease(array.url, greed).pipe(Effect.ignore, Effect.delay("500 millis"), Effect.forever)
})
