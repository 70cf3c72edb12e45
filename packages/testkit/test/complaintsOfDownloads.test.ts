/**
 * What people complain of in downloads, made to happen: the first line of the explanation says what it was. The numbers are those of the
 * complaints of peers too. Source: spec.md §10; those that need a process or an agent are in apps/client/test.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { answer, bytes, explain, place, run, says, site } from "./complaint.ts"
import { expectFile } from "./downloads.ts"
import { until, within } from "./within.ts"

describe("2. bytes were downloaded again", () => {
  it.effect("because the file changed at the origin on the way", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const client = yield* world.client({ noService: true })
      world.origin.misbehave({ cutAfter: 120_000 })
      const active = yield* client.start({ url })
      yield* until(() => active.progress().heldBytes > 80_000)
      world.origin.put("/file", bytes.toReversed())
      world.origin.misbehave({})
      yield* within("1 minute", expectFile(client, active, bytes.toReversed()))
      assert.match(answer(active), /were downloaded in vain: .* of a file that changed at the origin on the way/)
    })
  )
})

describe("8. defaults", () => {
  it.effect("are told with each setting, and there is one of each", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const active = yield* run(yield* world.client({ policy: says({ DOMaxCacheAge: 60 }) }), { url })
      const { settings } = active.ledger()
      assert.strictEqual(new Set(settings.map(({ name }) => name)).size, settings.length)
      const age = settings.find(({ name }) => name === "DOMaxCacheAge")
      assert.deepStrictEqual(age, { name: "DOMaxCacheAge", value: "60 s", provider: "MachineFile", place })
      assert.strictEqual(settings.find(({ name }) => name === "DOMinRAMAllowedToPeer")?.value, "4 GB")
    })
  )
})

describe("9. mode 100", () => {
  it.effect("refuses the download with its number, and the setting is named", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const client = yield* world.client({ policy: says({ DODownloadMode: 100 }) })
      const active = yield* run(client, { url, mode: "Bypass" })
      assert.match(answer(active), /0x80D03002.*DODownloadMode is 100.*, set by \/etc\/piecework\/policy\.json\.$/)
    })
  )
})

describe("10. a job that hangs long and then fails", () => {
  it.effect("says since when nothing came, and what failed last", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      world.origin.misbehave({ stallAt: 50_000 })
      const active = yield* run(yield* world.client({ noService: true }), { url })
      assert.match(
        answer(active),
        /^It failed after 5 minutes.* \(0x80D02002\), with 20 % of 240\.0 KiB: Nothing arrived from/
      )
    })
  )
})

describe("10. a job that gets nowhere", () => {
  it.effect("says while it goes on what it waits for, and who set that", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const policy = says({ DODelayForegroundDownloadFromHttp: 600 })
      const active = yield* (yield* world.client({ policy })).start({ url })
      yield* TestClock.adjust("20 seconds")
      assert.match(
        answer(active, { isRunning: true }),
        /^It goes on, with 0 % of 240\.0 KiB\. HTTP is held back until 10 minutes after its start so that peers and cache servers come first: DODelayForegroundDownloadFromHttp \(set by \/etc\/piecework\/policy\.json\)\. No bytes came from peers: nobody was named/
      )
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* active.result).bytes.Origin, bytes.length)
      const http = explain(active)
        .sections.find(({ title }) => title === "HTTP")
        ?.lines.join("\n")
      assert.include(http ?? "", "allowed at 10 minutes: its time had come")
    })
  )
})

describe("11. an origin without ranges", () => {
  it.effect("sends the whole file, and that is said", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      world.origin.misbehave({ noRanges: true })
      const active = yield* run(yield* world.client(), { url })
      assert.include(answer(active), "The origin sends whole files only (no byte ranges)")
    })
  )
})

describe("12. too much of the network", () => {
  it.effect("is held back by a limit that is named, and the connections are told", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const client = yield* world.client({ policy: says({ DOMaxForegroundDownloadBandwidth: 40 }) })
      const active = yield* run(client, { url })
      assert.include(
        answer(active),
        `It was held back to 40.0 KiB/s by DOMaxForegroundDownloadBandwidth (set by ${place}).`
      )
    })
  )

  it.effect("tells how many devices gave pieces, and how many sessions there were", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      for (let n = 0; n < 3; n++) yield* run(yield* world.client(), { url })
      const active = yield* run(yield* world.client(), { url })
      assert.match(answer(active), /^Of 240\.0 KiB .* from peers of the site.* \([123] peers? gave pieces\)\./)
      const peers = explain(active)
        .sections.find(({ title }) => title === "Peers")
        ?.lines.join("\n")
      assert.match(peers ?? "", /3 peers in all, 3 sessions, 3 at once at most/)
    })
  )
})

describe("13. memory", () => {
  it.effect("that grows is not the ledger's: what fails again and again has a line, and a number", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      world.origin.misbehave({ cutAfter: 1500 })
      const active = yield* run(yield* world.client(), { url })
      const failures = active.ledger().entries.filter(({ _tag }) => _tag === "Failure")
      const times = failures.reduce((sum, { times: n = 1 }) => sum + n, 0)
      assert.isAtLeast(times, 10)
      assert.isAtMost(failures.length, 4)
    })
  )
})

describe("15. who caused it, and whether it went through the swarm", () => {
  it.effect("is told by the door, the job and the caller's name, and by the content", () =>
    Effect.gen(function* () {
      const { phf, url, world } = yield* site
      const asker = { door: "job", job: "6f0cdd7a-0000-4000-8000-000000000000", name: "Store" } as const
      const active = yield* run(yield* world.client(), { url, asker })
      const [download] = explain(active).sections
      assert.include(
        download?.lines[2] ?? "",
        `asked for by a job of the agent ("Store", ${asker.job}), in the foreground`
      )
      assert.include(download?.lines ?? [], phf.contentId)
      const plain = yield* run(yield* world.client({ noService: true }), { url })
      assert.include(explain(plain).sections[0]?.lines.join("\n") ?? "", "it did not go through")
    })
  )
})
