/**
 * What people complain of, made to happen: the first line of the explanation says what it was. Source: spec.md §10; those that need a
 * process or an agent are in apps/client/test.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { type Downloader, Seeder } from "@piecework/download"
import { maxBytes } from "@piecework/ledger/Bounds"
import * as Explanation from "@piecework/ledger/Explanation"
import { encode } from "@piecework/ledger/Thinning"
import { decode } from "@piecework/ledger/Ledger"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import type { Said } from "@piecework/policy/Policy"
import { gibibyte } from "@piecework/policy/Units"
import { TestCacheHosts, World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Context, Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { bytes as cacheBytes, scene } from "./cacheScene.ts"
import { expectFile } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(60 * 4096)
const place = "/etc/piecework/policy.json"

const says = (values: Said["values"], provider: Said["provider"] = "MachineFile"): LivePolicy.LivePolicy => ({
  ...LivePolicy.constant(Policy.resolve([{ provider, values }])),
  placeOf: (name) => (name in values && provider === "MachineFile" ? place : undefined)
})

/** A site whose line carries the content in a second or so. */
const site = Effect.gen(function* () {
  const line = MemoryNetwork.line(200_000)
  const world = yield* World.make({
    network: { link: (from) => ({ latency: "1 millis", ...(from === World.originHost ? { lines: [line] } : {}) }) }
  })
  const { phf, url } = yield* world.publish("/file", bytes)
  return { world, phf, url }
})

const circumstances: Explanation.Circumstances = { isRunning: false, time: (at) => new Date(at).toISOString() }

/** What a person is told, out of what would be read from the disk. */
const explain = (active: Downloader.ActiveDownload, now: Partial<Explanation.Circumstances> = {}) => {
  const json = encode(active.ledger())
  assert.isAtMost(Buffer.byteLength(json), maxBytes)
  const explained = Explanation.of(Result.getOrThrow(decode(json)), { ...circumstances, ...now })
  if (process.env["SHOW"] !== undefined) console.log(`${Explanation.render(explained)}\n`)
  return explained
}

const answer = (active: Downloader.ActiveDownload, now?: Partial<Explanation.Circumstances>) =>
  explain(active, now).answer

/** Downloads to the end, whatever that is. */
const run = (
  client: World.TestClient,
  request: Parameters<World.TestClient["start"]>[0],
  limit = "10 minutes" as const
) =>
  Effect.gen(function* () {
    const active = yield* client.start(request)
    yield* within(limit, Effect.exit(active.result))
    return active
  })

describe("1. no bytes came from peers", () => {
  it.effect("because nobody else holds the content", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const active = yield* run(yield* world.client(), { url })
      assert.match(answer(active), /^No bytes came from peers: nobody was named, for no other device at its address/)
    })
  )

  it.effect("because who had it before does not keep files that are so small", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const policy = says({ DOMinFileSizeToCache: 1 })
      yield* Effect.scoped(Effect.flatMap(world.client({ policy }), (earlier) => run(earlier, { url })))
      const active = yield* run(yield* world.client({ policy }), { url })
      assert.match(
        answer(active),
        /nobody was named, for no other device at its address fetches this content now, and it is too small to be kept for others \(DOMinFileSizeToCache is 1 MB/
      )
    })
  )

  it.effect("because the device has too little memory, and who says how much is asked for", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      yield* run(yield* world.client(), { url })
      const policy = says({ DOMinRAMAllowedToPeer: 4 })
      const client = yield* world.client({ policy, facts: () => ({ memory: 2 * gibibyte }) })
      const active = yield* run(client, { url })
      assert.strictEqual(
        answer(active),
        `No bytes came from peers: the device has 2.00 GB of memory, and 4 are asked for: DOMinRAMAllowedToPeer (set by ${place}).`
      )
    })
  )

  it.effect("because those that were named cannot be reached", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const other = yield* world.client()
      yield* run(other, { url })
      yield* world.network.cut(other.host)
      const active = yield* run(yield* world.client(), { url })
      assert.match(answer(active), /^No bytes came from peers: 1 peer was named, and none could be talked to .*7680/)
    })
  )
})

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

describe("3. only some contents are shared at a time", () => {
  it.effect("and this one waits for its turn", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const client = yield* world.client({ policy: says({ ContentSlots: 2 }) })
      const downloads = yield* Effect.forEach([1, 2, 3, 4], (n) =>
        Effect.gen(function* () {
          const { phf, url } = yield* world.publish(`/file${n}`, World.bytesOf(8192, n))
          const active = yield* Effect.scoped(run(client, { url, path: `/out/${n}` }))
          return { active, contentId: phf.contentId }
        })
      )
      // Nobody has asked for any of them for an hour.
      yield* TestClock.adjust("61 minutes")
      const seeding = yield* Context.get(client.services, Seeder.Seeder).start({ scope: "Lan" })
      const offers = new Map(seeding.contents().map(({ contentId, offer }) => [contentId, offer.why]))
      const waits = downloads.find(({ contentId }) => offers.get(contentId) === "Waiting")
      if (waits === undefined) return assert.fail("none waits")
      assert.include(
        answer(waits.active, { offer: { why: "Waiting", waiting: offers.size } }),
        `Other devices are not told that this one has it until its turn comes: 4 contents share the turns; ContentSlots is 2, set by ${place}.`
      )
    })
  )
})

describe("4. a device that the service does not know of", () => {
  it.effect("never got into the swarm", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const cloud = Layer.effect(
        Cloud.Cloud,
        Effect.gen(function* () {
          const real = yield* Cloud.Cloud
          const away = yield* Cloud.Cloud.pipe(
            Effect.provide(
              Cloud.Cloud.layerTest({ failing: () => "Unreachable" }).pipe(Layer.provide(CloudConfig.layer()))
            )
          )
          return Cloud.Cloud.of({ ...real, join: away.join, lease: away.lease })
        })
      ).pipe(Layer.provide(world.cloud))
      const active = yield* run(yield* world.client({ cloud }), { url })
      assert.match(
        answer(active),
        /^No bytes came from peers: the service never let this device into the swarm, so no other device knew of it/
      )
    })
  )

  it.effect("is not enrolled", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const cloud = Cloud.Cloud.layerTest({ failing: () => "NotEnrolled" }).pipe(Layer.provide(CloudConfig.layer()))
      const active = yield* run(yield* world.client({ cloud }), { url })
      assert.match(answer(active), /^No bytes came from peers: the service at .* serves enrolled devices only/)
    })
  )
})

describe("5. a proxy changes the external address", () => {
  it.effect("so the service takes the device for one of another site", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      yield* run(yield* world.client(), { url })
      const active = yield* run(yield* world.client({ externalIp: "198.51.100.7" }), { url })
      assert.match(answer(active), /nobody was named.*The service sees this device at 198\.51\.100\.7.*use Group mode/)
    })
  )

  it.effect("or the group is another one", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const client = (groupId: string) =>
        world.client({ config: { groupId }, policy: says({ DODownloadMode: 2, DOGroupId: groupId }) })
      yield* run(yield* client("berlin"), { url, mode: "Group" })
      const active = yield* run(yield* client("bonn"), { url, mode: "Group" })
      assert.include(answer(active), `in its group bonn (DOGroupId is bonn, set by ${place})`)
    })
  )
})

describe("6. cache hosts and peers", () => {
  it.effect("are asked side by side, and each piece says whose it is", () =>
    Effect.gen(function* () {
      const { client, server, url } = yield* scene({ delay: 60 })
      const active = yield* run(client, { url })
      assert.strictEqual(server.sent(), cacheBytes.length)
      const { sections } = explain(active)
      const cache = sections.find(({ title }) => title === "Cache")?.lines.join("\n")
      assert.match(cache ?? "", /The cache server http:\/\/10\.9\.0\.3 is asked, which the settings name/)
      assert.match(sections.find(({ title }) => title === "Pieces")?.lines[0] ?? "", /100 %\) from the cache server/)
    })
  )

  it.effect("each give their part, and the origin gives none", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      yield* run(yield* world.client(), { url })
      const before = world.origin.sent("/file")
      yield* world.cacheServer({ "/file": bytes })
      const cacheHosts = yield* TestCacheHosts.make([World.cacheAt(World.cacheHost)])
      const policy = says({ DODelayCacheServerFallbackForeground: 60 })
      const active = yield* run(yield* world.client({ cacheHosts: cacheHosts.service, policy }), { url })
      assert.match(answer(active), /^Of 240\.0 KiB (\d+ % from the cache server and )?\d+ % from peers of the site/)
      const http = explain(active)
        .sections.find(({ title }) => title === "HTTP")
        ?.lines.join("\n")
      assert.include(http ?? "", `DODelayCacheServerFallbackForeground is 60 s, set by ${place}`)
      assert.strictEqual(world.origin.sent("/file"), before)
    })
  )

  it.effect("and of one that fails it is said that it was given up", () =>
    Effect.gen(function* () {
      const { client, url } = yield* scene({ isAbsent: true })
      const active = yield* run(client, { url })
      assert.match(answer(active), /The cache server http:\/\/10\.9\.0\.3 (is not asked|failed)/)
    })
  )
})

describe("7. a limit that nobody thinks of", () => {
  it.effect("stops peering: the size of the disk, by the default", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const client = yield* world.client({ policy: says({}), facts: () => ({ disk: 20 * gibibyte }) })
      const active = yield* run(client, { url })
      assert.match(
        answer(active),
        /^No bytes came from peers: the disk of the cache has 20\.00 GB, and 32 are asked for: DOMinDiskSizeAllowedToPeer \(the default\)/
      )
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

describe("14. switched off", () => {
  it.effect("the download goes on over HTTP, and who switched it off is said", () =>
    Effect.gen(function* () {
      const { url, world } = yield* site
      const active = yield* run(yield* world.client({ policy: says({ DODownloadMode: 99 }, "ManagedFile") }), {
        url,
        mode: "Simple"
      })
      assert.match(
        answer(active),
        /^No bytes came from peers: the mode Simple \(99\) has none; DODownloadMode is 99.*, set by the managed policy file\.$/
      )
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
