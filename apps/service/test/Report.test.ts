import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Cloud } from "@piecework/cloud/Cloud"
import { DownloadCompleted, EventId, ReportRequest } from "@piecework/cloud/ReportRpcs"
import { DeviceId } from "@piecework/domain/Peer"
import type { Summary } from "@piecework/reports/Views"
import { World } from "@piecework/testkit"
import { Context, Effect, Layer, type Scope } from "effect"
import { clientOf } from "./Client.ts"
import { folder, run, serving } from "./Program.ts"

const hex = () => randomBytes(16).toString("hex")

const completed = (
  bytesFromCDN: number,
  bytesFromPeers: number,
  more?: { readonly predefinedCallerName?: string; readonly groupID?: string }
) =>
  DownloadCompleted.make({
    eventId: EventId.make(hex()),
    time: Date.now() - 1000,
    jobID: hex(),
    background: false,
    downloadMode: 2,
    bytesFromCDN,
    bytesFromCacheServer: 0,
    bytesFromPeers,
    bytesFromLinkLocalPeers: 0,
    bytesFromGroupPeers: 0,
    bytesFromIntPeers: 0,
    bytesFromLocalCache: 0,
    bytesWasted: 0,
    lanConnectionCount: 1,
    linkLocalConnectionCount: 0,
    groupConnectionCount: 0,
    internetConnectionCount: 0,
    totalTimeMs: 10,
    ...more
  })

type Event = ReportRequest["events"][number]

const batch = (...events: readonly [Event, ...ReadonlyArray<Event>]) =>
  new ReportRequest({
    deviceId: DeviceId.make("d".repeat(32)),
    sentAt: Date.now(),
    clientVersion: "1",
    profile: 768,
    events
  })

interface Service {
  readonly cloud: Cloud["Service"]
  readonly summary: Effect.Effect<Summary, unknown>
}

const inMemory: Effect.Effect<Service, unknown, Scope.Scope> = Effect.gen(function* () {
  const world = yield* World.make()
  const cloud = Context.get(yield* Layer.build(world.cloud), Cloud)
  return { cloud, summary: world.reports.summary(28) }
})

const overHttp: Effect.Effect<Service, unknown, Scope.Scope> = Effect.gen(function* () {
  const data = join(yield* folder, "data")
  const { url } = yield* serving(data)
  const summary = Effect.map(run("report", "--json", "--data", data), ({ stdout }) => JSON.parse(stdout) as Summary)
  return { cloud: yield* clientOf(url), summary }
})

/** Where the service says that reports go. */
const reportsUrl = (cloud: Cloud["Service"]) =>
  Effect.map(cloud.whereabouts, ({ keyValue }) => keyValue.reportsUrl ?? assert.fail("no place for reports"))

for (const [name, make] of Object.entries({ "in memory": inMemory, "over HTTP": overHttp })) {
  describe(`The Reports role ${name}`, () => {
    it.live("counts what a device tells, once", () =>
      Effect.gen(function* () {
        const { cloud, summary } = yield* make
        const url = yield* reportsUrl(cloud)
        const [a, b] = [completed(1000, 3000), completed(500, 0)]
        assert.deepStrictEqual((yield* cloud.report(url, batch(a))).taken, [a.eventId])
        const again = yield* cloud.report(url, batch(a, b))
        assert.deepStrictEqual([again.taken, again.refused], [[a.eventId, b.eventId], []])
        const told = yield* summary
        assert.deepStrictEqual(
          [told.BytesFromCDN, told.BytesFromLanPeers, told.BytesFetched, told.TotalTransfers, told.DeviceCount],
          [1500, 3000, 4500, 2, 1]
        )
        assert.strictEqual(told.BWOptPercent28Days, 66.67)
      })
    )

    it.live("refuses what it does not understand and what is too old, and takes the rest", () =>
      Effect.gen(function* () {
        const { cloud, summary } = yield* make
        const foreign = { eventId: EventId.make(hex()) }
        const old = { ...completed(1, 1), time: Date.now() - 29 * 86_400_000 }
        const good = completed(7, 0)
        const reply = yield* cloud.report(yield* reportsUrl(cloud), batch(foreign, old, good))
        assert.deepStrictEqual([reply.taken, reply.refused], [[good.eventId], [foreign.eventId, old.eventId]])
        assert.strictEqual((yield* summary).BytesFetched, 7)
      })
    )
  })
}

const withToken =
  (secret: string) =>
  <A>(self: Effect.Effect<A>): Effect.Effect<A> =>
    Effect.acquireUseRelease(
      Effect.sync(() => void (process.env["PIECEWORK_TOKEN"] = secret)),
      () => self,
      () => Effect.sync(() => void delete process.env["PIECEWORK_TOKEN"])
    )

describe("report", () => {
  it.live("shows where devices are, as the operator's file of places says", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const [data, places] = [join(directory, "data"), join(directory, "places.json")]
      writeFileSync(places, JSON.stringify([{ network: "127.0.0.0/8", city: "Bonn", country: "DE", isp: "own" }]))
      const { url } = yield* serving(data, "--places", places, "--keep-events", "7", "--keep-sums", "90")
      const cloud = yield* clientOf(url)
      yield* cloud.report(yield* reportsUrl(cloud), batch(completed(10, 30)))
      const { stdout } = yield* run("report", "devices", "--json", "--data", data)
      const [device] = JSON.parse(stdout) as ReadonlyArray<{ readonly [name: string]: unknown }>
      assert.deepStrictEqual([device?.["City"], device?.["Country"], device?.["ISP"]], ["Bonn", "DE", "own"])
    })
  )

  it.live("says the same in the folder and over the network, in every form, to who may read", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "data")
      const { url } = yield* serving(data)
      const cloud = yield* clientOf(url)
      const odd = completed(10, 30, { predefinedCallerName: '=cmd|"/c calc"', groupID: "office" })
      yield* cloud.report(yield* reportsUrl(cloud), batch(odd, completed(5, 0)))

      const token = (scope: string) =>
        Effect.map(run("token", "create", "--scope", scope, "--data", data), ({ stdout }) => stdout.trim())
      const [reader, publisher] = [yield* token("read"), yield* token("publish")]
      const there = (...args: ReadonlyArray<string>) =>
        withToken(reader)(run("report", ...args, "--service", url, "--data", "/nonexistent"))
      const here = (...args: ReadonlyArray<string>) => run("report", ...args, "--data", data)

      const questions = [["devices"], ["contents"], ["groups"], ["export", "events"], ["groups", "--by", "city"]]
      for (const question of questions) {
        for (const form of ["--json", "--ndjson", "--csv"]) {
          const [local, remote] = [yield* here(...question, form), yield* there(...question, form)]
          assert.deepStrictEqual([remote.code, remote.stdout], [0, local.stdout], `${question.join(" ")} ${form}`)
        }
      }
      const { BytesFetched } = JSON.parse((yield* there("--json")).stdout) as Summary
      assert.strictEqual(BytesFetched, 45)
      const devices = JSON.parse((yield* there("devices", "--json")).stdout) as ReadonlyArray<{
        readonly GlobalDeviceId: string
      }>
      assert.deepStrictEqual(
        devices.map(({ GlobalDeviceId }) => GlobalDeviceId),
        ["d".repeat(32)]
      )

      const { stdout: csv } = yield* there("export", "events", "--csv")
      const lines = csv.split("\r\n")
      assert.deepStrictEqual([lines.length, lines.at(-1)], [4, ""])
      assert.include(csv, `,"'=cmd|""/c calc""",`)
      assert.notInclude(csv, "office")
      const { stdout: later } = yield* there("export", "events", "--from", "2999-01-01")
      assert.strictEqual(later, "")

      const nobody = yield* run("report", "--service", url)
      assert.include(nobody.stderr, "PIECEWORK_TOKEN")
      for (const secret of [publisher, "nonsense"]) {
        const refused = yield* withToken(secret)(run("report", "devices", "--service", url))
        assert.notStrictEqual(refused.code, 0)
        assert.strictEqual(refused.stdout, "")
      }
    })
  )

  it.live("makes nothing where nothing is, and wants one form at a time", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "none")
      const missing = yield* run("report", "--data", data)
      assert.deepStrictEqual(
        [missing.code, missing.stderr],
        [5, `piecework-service: There is no service's data in ${data}.\n`]
      )
      const both = yield* run("report", "devices", "--csv", "--ndjson", "--data", data)
      assert.deepStrictEqual(
        [both.code, both.stderr],
        [2, "piecework-service: --csv and --ndjson exclude each other.\n"]
      )
      assert.strictEqual((yield* run("report", "--days", "30", "--data", data)).code, 2)
      assert.strictEqual((yield* run("report", "export", "events", "--from", "yesterday", "--data", data)).code, 2)
    })
  )
})
