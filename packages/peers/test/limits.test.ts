import { assert, describe } from "@effect/vitest"
import type { PeerKind } from "@piecework/domain/Peer"
import { LivePolicy, Policy } from "@piecework/policy"
import { line, MemoryNetwork } from "@piecework/transport/MemoryNetwork"
import { Codec } from "@piecework/wire"
import { Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { PeerSession } from "../src/PeerSession.ts"
import { answerTo, type RawPeer, rawDialled } from "./rawPeer.ts"
import { client, type Client, contentOf, fetchInto, idOf, inNetwork } from "./support.ts"

const sizeOfPiece = 65_536
const pieces = 32
const content = contentOf(pieces * sizeOfPiece, 1, sizeOfPiece)
const config = { blockSize: sizeOfPiece }

/** Bytes a second. */
const limit = 100 * 1024
const settings = (kilobytes: number) =>
  Policy.resolve([{ provider: "MachineFile", values: { DOMaxForegroundDownloadBandwidth: kilobytes } }])
const limited = LivePolicy.constant(settings(100))

/** 20 ms there and back; machines send 1 MB a second, those whose name says so 2 KB. */
const network = () => {
  const lines = new Map<string, ReturnType<typeof line>>()
  const link = (from: string) => {
    const way = lines.get(from) ?? line(from.startsWith("slow") ? 2000 : 1_000_000)
    lines.set(from, way)
    return { latency: "10 millis", lines: [way] } as const
  }
  return { link }
}

const leecherUnder = (limits: LivePolicy.LivePolicy) =>
  client("leecher", { id: idOf("b"), content, config: { ...config, maxConnections: 60 }, limits })

/** A session with a client that holds everything. */
const seeded = Effect.fnUntraced(function* (leecher: Client, machine: string, digit: string, kind: PeerKind) {
  const seeder = yield* client(machine, { id: idOf(digit), held: "all", content, config })
  const connecting = yield* Effect.forkChild(leecher.host.connect({ ...seeder.peer, kind }, leecher.served))
  yield* TestClock.adjust("1 second")
  return yield* Fiber.join(connecting)
})

/** The sessions take the pieces one after the other, two at a time each. */
const fetchAll = Effect.fnUntraced(function* (leecher: Client, sessions: ReadonlyArray<PeerSession>) {
  let next = 0
  const worker = (session: PeerSession) =>
    Effect.gen(function* () {
      while (next < pieces) yield* fetchInto(session, leecher, next++)
    })
  const workers = sessions.flatMap((session) => [worker(session), worker(session)])
  return yield* Effect.forkChild(Effect.all(workers, { concurrency: "unbounded" }))
})

/** Bytes of content that came to all sessions, every 20 ms. */
const watch = Effect.fnUntraced(function* (sessions: ReadonlyArray<PeerSession>, seconds: number) {
  const sums: Array<number> = []
  const sum = () => sessions.reduce((all, session) => all + session.received(), 0)
  sums.push(sum())
  for (let step = 0; step < seconds * 50; step++) {
    yield* TestClock.adjust("20 millis")
    sums.push(sum())
  }
  return sums
})

/** Bytes a second, from a second on to another, on the average. */
const mean = (sums: ReadonlyArray<number>, from: number, to: number) =>
  ((sums[to * 50] ?? 0) - (sums[from * 50] ?? 0)) / (to - from)
/** The most in any two seconds from then on, halved. */
const highest = (sums: ReadonlyArray<number>, from = 0) =>
  Math.max(...sums.slice(from * 50).map((sum, i, all) => ((all[i + 100] ?? 0) - sum) / 2))

/** Between 95 and 100 % of the limit; the content comes in blocks of so many bytes, whose headers count as well. */
const holds = (sums: ReadonlyArray<number>, from: number, to: number, rate = limit, block = 3072) => {
  const headers = 1 + Codec.pieceHeaderLength / block
  assert.isAtLeast(mean(sums, from, to) * headers, 0.95 * rate)
  assert.isAtMost(highest(sums, from) * headers, rate)
}

const test = (
  name: string,
  body: () => Generator<Effect.Effect<unknown, unknown, MemoryNetwork | Scope.Scope>, void, never>
) => inNetwork(name, body, network())

/** A peer that unchokes, and then nothing. */
const silent = Effect.fnUntraced(function* (leecher: Client, n: number) {
  const dialled = yield* Effect.forkChild(
    rawDialled(leecher, { id: idOf("e"), content, machine: `silent${n}`, kind: "Internet" })
  )
  yield* TestClock.adjust("1 second")
  const { raw, session } = yield* Fiber.join(dialled)
  yield* raw.send({ _tag: "Unchoke" })
  return { raw, session }
})

/** Answers what it is asked for. */
const answering = (raw: RawPeer) =>
  Effect.forever(Effect.flatMap(raw.until("Request"), (asked) => raw.send(answerTo(asked, content))))

describe("a download from peers under a limit", () => {
  test("is held to it from the first byte to the last", function* () {
    const leecher = yield* leecherUnder(limited)
    const session = yield* seeded(leecher, "fast", "1", "Internet")
    const done = yield* fetchAll(leecher, [session])
    const sums = yield* watch([session], 20)
    holds(sums, 0, 18)
    yield* TestClock.adjust("2 seconds")
    yield* Fiber.join(done)
    assert.strictEqual(session.counters().wasted, 0)
  })

  test("shares it evenly among them", function* () {
    const leecher = yield* leecherUnder(limited)
    const sessions: Array<PeerSession> = []
    for (const digit of ["1", "2", "3", "4"]) sessions.push(yield* seeded(leecher, `fast${digit}`, digit, "Internet"))
    yield* fetchAll(leecher, sessions)
    holds(yield* watch(sessions, 18), 0, 18)
    const shares = sessions.map((session) => session.received())
    assert.isBelow(Math.max(...shares) / Math.min(...shares), 1.3)
  })

  test("does not wait for slow ones, nor for silent ones", function* () {
    const leecher = yield* leecherUnder(limited)
    const sessions = [yield* seeded(leecher, "fast", "1", "Internet")]
    for (const digit of ["2", "3", "4"]) sessions.push(yield* seeded(leecher, `slow${digit}`, digit, "Group"))
    const { session } = yield* silent(leecher, 1)
    yield* fetchAll(leecher, [...sessions, session])
    holds(yield* watch(sessions, 15), 1, 15)
  })

  test("gives back what a peer that chokes was asked for, and what is cancelled", function* () {
    const leecher = yield* leecherUnder(limited)
    const fast = yield* seeded(leecher, "fast", "1", "Internet")
    const { raw, session } = yield* silent(leecher, 1)
    yield* fetchAll(leecher, [fast, session])
    for (let n = 0; n < 50; n++) {
      yield* TestClock.adjust("50 millis")
      yield* raw.send({ _tag: "Choke" })
      yield* TestClock.adjust("50 millis")
      yield* raw.send({ _tag: "Unchoke" })
      const fetching = yield* Effect.forkChild(fetchInto(session, leecher, pieces - 1))
      yield* TestClock.adjust("50 millis")
      yield* Fiber.interrupt(fetching)
    }
    holds(yield* watch([fast], 8), 0, 8)
  })

  test("takes a limit up that begins in the middle, and one that is lowered, and ends with it", function* () {
    const policy = LivePolicy.changing(Policy.defaults)
    const leecher = yield* leecherUnder(policy)
    const sessions = [
      yield* seeded(leecher, "fast1", "1", "Internet"),
      yield* seeded(leecher, "fast2", "2", "Internet")
    ]
    const done = yield* fetchAll(leecher, sessions)
    yield* TestClock.adjust("200 millis")
    policy.set(settings(100))
    holds(yield* watch(sessions, 10), 3, 10)
    policy.set(settings(20))
    // Over so few blocks a mean says something for whole spans of two seconds only.
    holds(yield* watch(sessions, 18), 4, 18, 20 * 1024, 1024)
    const before = sessions.reduce((sum, session) => sum + session.received(), 0)
    policy.set(Policy.defaults)
    yield* TestClock.adjust("1500 millis")
    yield* Fiber.join(done)
    assert.isBelow(before, 0.9 * content.phf.layout.contentSize)
  })

  test("is not stalled while it waits for its turn", function* () {
    const leecher = yield* leecherUnder(LivePolicy.constant(settings(1)))
    const sessions: Array<PeerSession> = []
    for (const digit of ["1", "2", "3", "4"]) sessions.push(yield* seeded(leecher, `fast${digit}`, digit, "Internet"))
    yield* fetchAll(leecher, sessions)
    const sums = yield* watch(sessions, 60)
    assert.isAtMost(highest(sums), 1024)
    // Answers of 512 bytes, of which not four fit.
    assert.isAtLeast(mean(sums, 0, 60), 0.7 * 1024)
    assert.isTrue(sessions.some((session) => session.isHeldBack?.() === true))
  })

  test("pays for what nobody asked for as it comes, and reads it slowly", function* () {
    const leecher = yield* leecherUnder(limited)
    const { raw, session } = yield* silent(leecher, 1)
    const noise = Codec.encode({ _tag: "Extension", length: 1000 })
    yield* Effect.forkChild(Effect.forever(raw.send(noise, new Uint8Array(1000))))
    const fast = yield* seeded(leecher, "fast", "1", "Internet")
    yield* fetchAll(leecher, [fast, session])
    yield* TestClock.adjust("2 seconds")
    const before = raw.stream.counters.sent
    const sums = yield* watch([fast], 12)
    const noisy = (raw.stream.counters.sent - before) / 12
    assert.isAbove(noisy, 0.1 * limit)
    assert.isAbove(mean(sums, 0, 12), 0.4 * limit)
    // What lies between the two is counted with the one and not with the other.
    assert.isAtMost(mean(sums, 0, 12) + noisy, limit + (2 * 65_536) / 12)
  })

  test("does not concern peers of the site", function* () {
    const leecher = yield* leecherUnder(limited)
    const session = yield* seeded(leecher, "near", "1", "Lan")
    const done = yield* fetchAll(leecher, [session])
    yield* TestClock.adjust("3 seconds")
    yield* Fiber.join(done)
  })

  test("asks again for what it took back, and no byte of the content is wrong", function* () {
    const policy = LivePolicy.changing(settings(50))
    const leecher = yield* leecherUnder(policy)
    const { raw, session } = yield* silent(leecher, 1)
    yield* Effect.forkChild(answering(raw))
    const done = yield* fetchAll(leecher, [session])
    for (let n = 0; n < 10; n++) {
      yield* TestClock.adjust("700 millis")
      policy.set(n % 2 === 0 ? Policy.defaults : settings(50 + n))
    }
    policy.set(Policy.defaults)
    yield* TestClock.adjust("10 seconds")
    yield* Fiber.join(done)
    assert.strictEqual(leecher.store.held().pieceCount, pieces)
  })
})
