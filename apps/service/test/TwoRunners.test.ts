import { assert, describe, it } from "@effect/vitest"
import { JoinRequest, LeaveRequest } from "@piecework/cloud/ArrayRpcs"
import { ContentId } from "@piecework/domain/Content"
import { Peer } from "@piecework/domain"
import { Duration, Effect, Schedule } from "effect"
import * as TwoRunners from "./TwoRunners.ts"

/** So long clients keep their leases without an answer. */
const leasesLast = Duration.seconds(8)

const contents = Array.from({ length: 12 }, (_, n) => ContentId.make(`DO-${"abcdefghijkl"[n]}${"a".repeat(42)}`))

const joining = (contentId: ContentId, n: number) =>
  new JoinRequest({
    contentId,
    peerId: Peer.PeerId.make(String(n).repeat(40)),
    reportedIp: `192.168.1.${n}`,
    port: 7680,
    left: 1,
    event: "Started",
    scope: "Lan"
  })

describe("Two runners", () => {
  it.live("have each swarm once between them, and it is the same whoever is asked", () =>
    Effect.gen(function* () {
      const { frontEnd, one, two } = yield* TwoRunners.make()
      const ip = "203.0.113.7"
      for (const contentId of contents) {
        yield* frontEnd.swarms.join(joining(contentId, 1), ip).pipe(TwoRunners.patient)
        assert.strictEqual((yield* one.swarms.join(joining(contentId, 2), ip)).candidates, 1)
        const { peers } = yield* two.swarms.join(joining(contentId, 3), ip)
        assert.deepStrictEqual(peers.map(({ address }) => String(address)).toSorted(), [
          "192.168.1.1:7680",
          "192.168.1.2:7680"
        ])
        yield* frontEnd.swarms.leave(new LeaveRequest({ contentId, peerId: Peer.PeerId.make("1".repeat(40)) }), ip)
        assert.strictEqual((yield* frontEnd.swarms.join(joining(contentId, 3), ip)).candidates, 1)
      }
      const counts = yield* Effect.forEach([one, two, frontEnd], ({ swarms }) =>
        Effect.map(swarms.list, ({ count }) => count)
      )
      const [first = 0, second = 0, none] = counts
      assert.strictEqual(first + second, contents.length)
      assert.isAbove(Math.min(first, second), 0, "both have some")
      assert.strictEqual(none, 0, "and a front end none")
    })
  )

  it.live("say together what is live, whoever of them or before them is asked", () =>
    Effect.gen(function* () {
      const { frontEnd, one, two } = yield* TwoRunners.make()
      const ip = "203.0.113.7"
      for (const contentId of contents) {
        yield* frontEnd.swarms.join(joining(contentId, 1), ip).pipe(TwoRunners.patient)
        yield* frontEnd.swarms.join({ ...joining(contentId, 2), left: 0 }, ip)
      }
      const seen = { members: 24, swarms: 12, devices: 2, complete: 12, runners: 2 }
      for (const { swarms } of [frontEnd, one, two]) {
        const isAll = ({ members, runners }: { readonly members: number; readonly runners: number }) =>
          members === seen.members && runners === seen.runners
        const totals = yield* swarms.live.totals.pipe(
          TwoRunners.patient,
          Effect.repeat({ until: isAll, schedule: Schedule.spaced("200 millis") }),
          Effect.timeout("60 seconds")
        )
        assert.deepInclude(totals, seen)
        const { count, lines } = yield* swarms.live.list({ skip: 0, most: 100, order: "Members" })
        assert.deepStrictEqual([count, new Set(lines.map(({ swarm }) => swarm)).size], [12, 12])
        const [first] = contents
        if (first === undefined) return
        const inside = yield* swarms.inspect(first, undefined, { most: 10 })
        assert.deepStrictEqual(
          inside.members.map(({ isComplete }) => isComplete),
          [false, true]
        )
      }
    })
  )

  it.live("are one when the other ends, which gives away what it had before it is gone", () =>
    Effect.gen(function* () {
      const { frontEnd, locks, one, two } = yield* TwoRunners.make()
      for (const contentId of contents)
        yield* frontEnd.swarms.join(joining(contentId, 1), "203.0.113.7").pipe(TwoRunners.patient)
      assert.isAbove((yield* two.swarms.list).count, 0)
      assert.strictEqual((yield* locks).size, 2)
      yield* two.end
      // Nobody has to wait until it counts as silent.
      assert.strictEqual((yield* locks).size, 1)
      const began = Date.now()
      for (const contentId of contents)
        yield* frontEnd.swarms.join(joining(contentId, 1), "203.0.113.7").pipe(TwoRunners.patient)
      assert.isBelow(Date.now() - began, Duration.toMillis(leasesLast))
      assert.strictEqual((yield* one.swarms.list).count, contents.length)
    })
  )
})
