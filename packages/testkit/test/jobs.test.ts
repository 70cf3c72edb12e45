import { assert, describe, it } from "@effect/vitest"
import { MemoryFiles } from "@piecework/cache/MemoryFiles"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { DownloadRunner, JobError, JobFiles, JobNetwork, Jobs, JobsConfig, JobStore } from "@piecework/jobs"
import { LivePolicy, Policy } from "@piecework/policy"
import { TestOrigin, World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Context, Effect, Layer, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { within } from "./within.ts"

const bytes = World.bytesOf(30 * 4096 + 77)

/** The client's files as those of jobs. */
const filesOf = (client: World.TestClient): Layer.Layer<JobFiles.JobFiles> => {
  const files = Context.get(client.services, MemoryFiles)
  const removed = new Set<string>()
  const at = (path: string) => Effect.map(files.get(path), (file) => (removed.has(path) ? Option.none() : file))
  return Layer.succeed(JobFiles.JobFiles, {
    draftOf: (destination, id) => `${destination}.${id}`,
    obstacle: (path) => Effect.map(at(path), (file) => (Option.isSome(file) ? JobError.system("EEXIST") : undefined)),
    identity: (path) => Effect.map(at(path), (file) => (Option.isSome(file) ? path : undefined)),
    deliver: (draft, destination) =>
      Effect.flatMap(at(draft), (file) =>
        files.put(destination, Option.getOrThrow(file)).pipe(Effect.mapError(() => JobError.system("EEXIST")))
      ),
    remove: (path) => Effect.sync(() => void removed.add(path))
  })
}

/** A world whose origin has the file behind a line that takes a good second for it, and a device with jobs. */
const deviceWith = (policy?: LivePolicy.LivePolicy) =>
  Effect.gen(function* () {
    const lines = [MemoryNetwork.line(100_000)]
    const world = yield* World.make({ network: { link: (from) => (from === World.originHost ? { lines } : {}) } })
    world.origin.put("/file", bytes)
    const client = yield* world.client({ noService: true, policy })
    const layer = Jobs.Jobs.layer.pipe(
      Layer.provide([
        DownloadRunner.layer(Effect.succeed("Lan")).pipe(Layer.provide(Layer.succeedContext(client.services))),
        filesOf(client),
        JobNetwork.JobNetwork.layerOf(() => JobNetwork.JobNetwork.connected),
        JobStore.JobStore.layerMemory(),
        JobsConfig.layer()
      ])
    )
    const jobs = Context.get(yield* Layer.build(layer), Jobs.Jobs)
    const started = (url: ContentUrl = world.urlOf("/file")) =>
      Effect.gen(function* () {
        const id = yield* jobs.create([
          ["Uri", url],
          ["LocalPath", "/out/file"]
        ])
        yield* jobs.start(id)
        return id
      })
    /** Waits for a state, at most ten minutes. */
    const becomes = (id: string, state: string) =>
      within(
        "10 minutes",
        Effect.flatMap(Stream.runHead(Stream.filter(jobs.watch(id), (status) => status.state === state)), (found) =>
          Effect.fromOption(found)
        )
      )
    /** Waits for so many bytes. */
    const holds = (id: string, least: number) =>
      Effect.gen(function* () {
        for (let n = 0; n < 1000; n++) {
          const { bytesTransferred } = yield* jobs.status(id)
          if (bytesTransferred >= least) return bytesTransferred
          yield* TestClock.adjust("10 millis")
        }
        return assert.fail(`never ${least} bytes`)
      })
    const isThere = Effect.gen(function* () {
      const file = Option.getOrThrow(yield* client.file("/out/file"))
      assert.strictEqual(Buffer.compare(file, bytes), 0)
    })
    return { world, client, jobs, started, becomes, holds, isThere }
  })
const device = deviceWith()

/** What a caller says whose file has these bytes. */
const meant = (of: Uint8Array) => {
  const hash = Buffer.from(World.phfOf(of, 4096).hashOfHashes).toString("base64")
  return JSON.stringify({ HashOfHashes: hash })
}

describe("A job over real downloads", () => {
  it.effect("is paused and resumed without fetching twice", () =>
    Effect.gen(function* () {
      const { world, client, jobs, started, becomes, holds } = yield* device
      const large = World.bytesOf(250 * 4096)
      world.origin.put("/large", large)
      const id = yield* started(world.urlOf("/large"))
      const held = yield* holds(id, 400_000)
      yield* jobs.pause(id)
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", bytesTransferred: held })
      yield* jobs.start(id)
      assert.deepInclude(yield* becomes(id, "Transferred"), { bytesTotal: large.length, error: 0 })
      const file = Option.getOrThrow(yield* client.file("/out/file"))
      assert.strictEqual(Buffer.compare(file, large), 0)
      assert.strictEqual(world.origin.requests().at(-1), `GET /large bytes=${held}-`)
    })
  )

  it.effect("whose file is gone in the middle is repaired by a new URL", () =>
    Effect.gen(function* () {
      const { world, jobs, started, becomes, holds, isThere } = yield* device
      world.origin.misbehave({ cutAfter: 50_000 })
      const id = yield* started()
      yield* holds(id, 30_000)
      world.origin.misbehave({ status: 404 })
      assert.deepInclude(yield* becomes(id, "Paused"), { error: 0x80190194 })
      world.origin.put("/other", bytes)
      world.origin.misbehave({})
      yield* jobs.setProperty(id, "Uri", world.urlOf("/other"))
      yield* jobs.start(id)
      assert.deepInclude(yield* becomes(id, "Transferred"), { error: 0 })
      yield* isThere
    })
  )

  for (const [name, faults, later] of [
    ["ignores ranges and breaks off", { noRanges: true, cutAfter: 70_000 }, { noRanges: true }],
    ["says no length", { chunked: true, noRanges: true }, { chunked: true, noRanges: true }],
    ["resets every connection for a while", { cutAfter: 20_000 }, {}],
    ["has trouble of its own for a minute", { status: 503 }, {}],
    ["stalls for two minutes", { stallAfter: 30_000 }, {}],
    ["is silent for two minutes", { silent: true }, {}]
  ] as const satisfies ReadonlyArray<readonly [string, TestOrigin.Faults, TestOrigin.Faults]>) {
    it.effect(`finishes from an origin that ${name}`, () =>
      Effect.gen(function* () {
        const { world, started, becomes, isThere } = yield* device
        world.origin.misbehave(faults)
        const id = yield* started()
        yield* TestClock.adjust("2 minutes")
        world.origin.misbehave(later)
        assert.deepInclude(yield* becomes(id, "Transferred"), { bytesTransferred: bytes.length, extended: 0 })
        yield* isThere
      })
    )
  }

  it.effect("never ends with a mixture, when the file at the origin changes on the way", () =>
    Effect.gen(function* () {
      const { world, client, started, becomes, holds } = yield* device
      world.origin.misbehave({ cutAfter: 50_000 })
      const id = yield* started()
      yield* holds(id, 30_000)
      const other = World.bytesOf(bytes.length, 7)
      world.origin.put("/file", other)
      world.origin.misbehave({})
      yield* becomes(id, "Transferred")
      const file = Option.getOrThrow(yield* client.file("/out/file"))
      assert.strictEqual(Buffer.compare(file, other), 0)
    })
  )

  it.effect("from an origin that is silent for ever is paused after five minutes with what went wrong last", () =>
    Effect.gen(function* () {
      const { world, started, becomes } = yield* device
      world.origin.misbehave({ silent: true })
      const status = yield* becomes(yield* started(), "Paused")
      assert.deepInclude(status, { error: 0x80d02002, extended: 0x80072ee2 })
    })
  )

  for (const isHashed of [false, true]) {
    const what = isHashed ? "checked by hashes" : "that nobody vouches for"
    it.effect(
      `for a file ${what} is paused in the time that it was given when the origin falls silent in the middle`,
      () =>
        Effect.gen(function* () {
          const { jobs, world } = yield* device
          world.origin.misbehave({ stallAt: 8 * 4096 })
          world.origin.put("/hashes", World.hashesOf(bytes, 4096))
          const hashes = { ...JSON.parse(meant(bytes)), PiecesHashFileUrl: world.urlOf("/hashes") }
          const id = yield* jobs.create([
            ["Uri", world.urlOf("/file")],
            ["LocalPath", "/out/file"],
            ["NoProgressTimeoutSeconds", "10"],
            ...(isHashed ? ([["IntegrityCheckInfo", JSON.stringify(hashes)]] as const) : [])
          ])
          yield* jobs.start(id)
          const paused = Stream.runHead(Stream.filter(jobs.watch(id), ({ state }) => state === "Paused"))
          const status = Option.getOrThrow(yield* within("21 seconds", paused))
          assert.strictEqual(status.error, JobError.code("NoProgress"))
        })
    )
  }

  it.effect("that begins to matter has the limits of the foreground from then on", () =>
    Effect.gen(function* () {
      const slowly = Policy.resolve([{ provider: "MachineFile", values: { DOMaxBackgroundDownloadBandwidth: 2 } }])
      const { jobs, started, isThere } = yield* deviceWith(LivePolicy.constant(slowly))
      const id = yield* started()
      yield* TestClock.adjust("10 seconds")
      // Two seconds' worth may come at once at first.
      assert.isAtMost((yield* jobs.status(id)).bytesTransferred, 12 * 2048)
      yield* jobs.setProperty(id, "ForegroundPriority", "true")
      // At the old rate it would take a minute.
      yield* within("10 seconds", Stream.runHead(Stream.filter(jobs.watch(id), ({ state }) => state === "Transferred")))
      yield* isThere
    })
  )

  it.effect("takes only the bytes that its caller means", () =>
    Effect.gen(function* () {
      const { world, jobs, becomes, isThere } = yield* device
      const job = (path: string, of: Uint8Array) =>
        jobs.create([
          ["Uri", world.urlOf("/file")],
          ["LocalPath", path],
          ["IntegrityCheckInfo", meant(of)],
          ["IntegrityCheckMandatory", "true"]
        ])
      const wrong = yield* job("/out/wrong", World.bytesOf(bytes.length, 3))
      yield* jobs.start(wrong)
      assert.isAbove((yield* becomes(wrong, "Paused")).error, 0)
      const right = yield* job("/out/file", bytes)
      yield* jobs.start(right)
      yield* becomes(right, "Transferred")
      yield* isThere
    })
  )
})
