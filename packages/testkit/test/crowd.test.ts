import { assert, describe, it } from "@effect/vitest"
import type { Downloader, Progress } from "@piecework/download"
import { PeerAddress, PeerId } from "@piecework/domain/Peer"
import { fromPeers } from "@piecework/domain/SourceKind"
import { wasted } from "@piecework/download/Tally"
import { TestPeer, World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { expectFile, expectNoBufferLent } from "./downloads.ts"
import { until, within } from "./within.ts"

const slowHost = "10.0.99.1"

/** One thin line to the origin, a fat network inside, and one machine with a thin line of its own. */
const site = (bytesPerSecond: number): MemoryNetwork.Options => {
  const thin = MemoryNetwork.line(bytesPerSecond)
  const slow = [MemoryNetwork.line(20_000), MemoryNetwork.line(20_000)]
  return {
    link: (from, to) => ({
      latency: from === World.originHost ? "10 millis" : "1 millis",
      lines: [
        ...(from === World.originHost ? [thin] : []),
        ...(from === slowHost ? slow.slice(0, 1) : to === slowHost ? slow.slice(1) : [])
      ]
    })
  }
}

const bytes = World.bytesOf(80 * 4096 + 9)

interface Running {
  readonly client: World.TestClient
  readonly active: Downloader.ActiveDownload
  /** Ends the client as a process that is told to stop. */
  readonly stop: Effect.Effect<void>
}

const started = Effect.fnUntraced(function* (
  world: World.World,
  url: Parameters<World.TestClient["start"]>[0]["url"],
  options?: World.ClientOptions
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const client = yield* world.client(options)
  const active = yield* Scope.provide(client.start({ url }), scope)
  return { client, active, stop: Scope.close(scope, Exit.void) } satisfies Running
})

/** All of them have the file within the limit. */
const finish = (running: ReadonlyArray<Running>, limit: "10 seconds" | "1 minute") =>
  within(
    limit,
    Effect.forEach(running, ({ client, active }) => expectFile(client, active, bytes), { concurrency: "unbounded" })
  )

const sum = (results: ReadonlyArray<Progress.DownloadResult>, of: (result: Progress.DownloadResult) => number) =>
  results.reduce((all, result) => all + of(result), 0)

const published = Effect.gen(function* () {
  const world = yield* World.make({ network: site(200_000) })
  const { url, phf } = yield* world.publish("/image", bytes)
  return { world, url, phf }
})

describe("a crowd", () => {
  it.effect("of twenty that come one after the other costs the origin little more than one copy", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const running: Array<Running> = []
      for (let n = 0; n < 20; n++) {
        running.push(yield* started(world, url))
        yield* TestClock.adjust("150 millis")
      }
      const results = yield* finish(running, "1 minute")
      assert.isBelow(world.origin.sent("/image") / bytes.length, 3)
      assert.isAbove(sum(results, (result) => fromPeers(result.bytes)) / (20 * bytes.length), 0.9)
      assert.isBelow(sum(results, ({ waste }) => wasted(waste)) / (20 * bytes.length), 0.1)
      yield* Effect.forEach(running, ({ stop }) => stop, { concurrency: "unbounded" })
      yield* TestClock.adjust("1 second")
      for (const { client } of running) expectNoBufferLent(client)
    })
  )

  it.effect("does not wait for the one that has a slow line, and that one finishes too", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const slow = yield* started(world, url, { host: slowHost })
      const fast = yield* Effect.forEach(Array.from({ length: 5 }), () => started(world, url))
      const results = yield* finish(fast, "10 seconds")
      // All bytes over its line take 16 s.
      for (const { durationMillis } of results) assert.isBelow(durationMillis, 8_000)
      yield* finish([slow], "1 minute")
    })
  )

  it.effect("finishes although half of it stops in the middle", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const running = yield* Effect.forEach(Array.from({ length: 10 }), () => started(world, url))
      for (const [n, { active, client, stop }] of running.slice(0, 5).entries()) {
        yield* until(() => active.progress().heldBytes > (n + 1) * 30_000)
        yield* stop
        yield* TestClock.adjust("1 second")
        expectNoBufferLent(client)
      }
      yield* finish(running.slice(5), "1 minute")
    })
  )

  it.effect("finishes although two of it vanish without a word and one is reset", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const running = yield* Effect.forEach(Array.from({ length: 6 }), () => started(world, url))
      const [first, second, third, ...others] = running
      yield* until(() => running.every(({ active }) => active.progress().heldBytes > 20_000))
      yield* world.network.cut(first?.client.host ?? "")
      yield* world.network.cut(second?.client.host ?? "")
      yield* world.network.reset(third?.client.host ?? "")
      yield* finish(others, "1 minute")
    })
  )

  it.effect("whose service dies in the middle goes on with the neighbours it knows", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const running = yield* Effect.forEach(Array.from({ length: 4 }), () => started(world, url))
      yield* until(() => running.every(({ active }) => active.progress().peers > 0))
      yield* world.network.cut(World.serviceHost)
      const results = yield* finish(running, "1 minute")
      assert.isAbove(
        sum(results, (result) => fromPeers(result.bytes)),
        2 * bytes.length
      )
    })
  )

  it.effect("with a liar behind the address of honest peers bans the liar and keeps the others", () =>
    Effect.gen(function* () {
      const { world, url, phf } = yield* published
      const honest = yield* started(world, url, { host: slowHost })
      yield* finish([honest], "1 minute")
      world.origin.misbehave({ status: 403 })
      const { host } = honest.client
      const id = PeerId.make("f".repeat(40))
      const liar = yield* TestPeer.make({
        host,
        port: 7681,
        id,
        swarm: phf.hashOfHashes,
        layout: phf.layout,
        // By then somebody else at the address has shown that not all there are liars.
        delay: "100 millis",
        answer: ({ length }) => new Uint8Array(length)
      }).pipe(Effect.provideService(Transport, world.network.transport(host)))
      yield* world.introduce(phf.contentId, id, new PeerAddress({ host, port: 7681 }))
      const late = yield* started(world, url)
      const [result] = yield* finish([late], "1 minute")
      assert.isAbove(liar.asked().length, 0)
      assert.deepStrictEqual(result?.banned, [id])
      assert.strictEqual(fromPeers(result?.bytes ?? assert.fail()), bytes.length)
      // One of the three may be the short last piece.
      assert.isAtLeast(result?.waste.bad ?? 0, 2 * world.pieceSize)
      assert.isAtLeast(result?.peers ?? 0, 2)
    })
  )
})
