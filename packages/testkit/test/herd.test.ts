import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { Handout } from "@piecework/cloud/ArrayRpcs"
import { CloudError } from "@piecework/cloud/CloudError"
import { ContentId } from "@piecework/domain/Content"
import { PeerAddress, PeerId } from "@piecework/domain/Peer"
import { Membership } from "@piecework/download"
import { SwarmConfig } from "@piecework/swarm"
import { SwarmState } from "@piecework/swarm/SwarmState"
import { Clock, Context, Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"

const members = 10_000
const swarmSize = 50

/** A matching service that can be away, and that has forgotten everything when it is back; what it is asked, by the second. */
const makeService = Effect.gen(function* () {
  const swarms = new Map<ContentId, SwarmState>()
  let isAway = false
  const answered: Array<number> = []
  const asked: Array<number> = []
  const real = Context.get(
    yield* Layer.build(Cloud.Cloud.layerTest().pipe(Layer.provide(CloudConfig.layer()))),
    Cloud.Cloud
  )
  const known = yield* real.whereabouts
  const arrays = yield* real.discover(known, contentOf(0))
  const away = new CloudError({ role: "Array", url: "http://a", reason: "Unreachable" })
  const rules = { ...SwarmConfig.defaults, census: { most: members, count: 0 }, followed: { most: 0, count: 0 } }
  const swarmOf = (contentId: ContentId, now: number) => {
    const swarm = swarms.get(contentId) ?? new SwarmState(swarms.size, now, rules)
    swarms.set(contentId, swarm)
    return swarm
  }
  const cloud = Cloud.Cloud.of({
    ...real,
    whereabouts: Effect.succeed(known),
    discover: () => Effect.suspend(() => (isAway ? Effect.fail(away) : Effect.succeed(arrays))),
    join: (_, request) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const second = Math.floor(now / 1000)
        asked[second] = (asked[second] ?? 0) + 1
        if (isAway) return yield* away
        answered[second] = (answered[second] ?? 0) + 1
        const { candidates, nextJoin } = swarmOf(request.contentId, now).join(request, "203.0.113.7", now)
        return new Handout({ peers: [], candidates, nextJoin: Duration.millis(nextJoin) })
      }),
    leave: () => Effect.void
  })
  return {
    cloud,
    be: (is: "there" | "away") => {
      isAway = is === "away"
      swarms.clear()
      rules.census.count = 0
    },
    present: () => [...swarms.values()].reduce((sum, { count }) => sum + count, 0),
    mostAnswered: most(answered),
    mostAsked: most(asked)
  }
})

const most = (counts: ReadonlyArray<number>) => (from: number, to: number) =>
  Math.max(...Array.from({ length: to - from }, (_, n) => counts[from + n] ?? 0))

const contentOf = (n: number) => ContentId.make(`DO-${String(n).padStart(42, "a")}A`)

const member = (n: number) =>
  Membership.join({
    contentId: contentOf(Math.floor(n / swarmSize)),
    url: undefined,
    self: PeerId.make(n.toString(16).padStart(40, "0")),
    address: new PeerAddress({ host: `10.0.${n >> 8}.${n & 255}`, port: 7680 }),
    scope: "Lan",
    groupId: undefined,
    peersWanted: 10,
    standing: Effect.succeed({ uploaded: 0, downloaded: 0, fromOrigin: 0, fromCache: 0, left: 5 }),
    onHandout: () => Effect.void
  })

describe("Ten thousand members", () => {
  for (const seconds of [10, 90]) {
    it.effect(`that lost their service for ${seconds} seconds are all back within 36, and never many at once`, () =>
      Effect.gen(function* () {
        const service = yield* makeService
        // They came one after the other, as devices do.
        for (let second = 0; second < 30; second++) {
          for (let n = second; n < members; n += 30) yield* Effect.provideService(member(n), Cloud.Cloud, service.cloud)
          yield* TestClock.adjust("1 second")
        }
        yield* TestClock.adjust("90 seconds")
        const lost = 120
        service.be("away")
        yield* TestClock.adjust(`${seconds} seconds`)
        const back = lost + seconds
        service.be("there")
        yield* TestClock.adjust("36 seconds")
        // Without any outage it is 400 a second: each joins every half minute.
        assert.isAtMost(service.mostAnswered(back, back + 36), members / 8)
        assert.isAtMost(service.mostAsked(lost, back), members / 5)
        assert.strictEqual(service.present(), members)
      })
    )
  }
})
