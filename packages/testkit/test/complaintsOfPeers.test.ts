/**
 * What people complain of where peers give nothing, made to happen: the first line of the explanation says what it was. The numbers are
 * those of the other complaints too. Source: spec.md §10; those that need a process or an agent are in apps/client/test.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { Seeder } from "@piecework/download"
import { gibibyte } from "@piecework/policy/Units"
import { TestCacheHosts, World } from "@piecework/testkit"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { bytes as cacheBytes, scene } from "./cacheScene.ts"
import { answer, bytes, explain, place, run, says, site } from "./complaint.ts"

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
