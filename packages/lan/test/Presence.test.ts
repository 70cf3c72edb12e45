import { assert, describe, it } from "@effect/vitest"
import { Digest } from "@piecework/domain"
import { idOf, DeviceId } from "@piecework/domain/Peer"
import * as Names from "../src/Names.ts"
import * as Presence from "../src/Presence.ts"

const swarm = Digest.Digest.make(new Uint8Array(32).fill(7))
const other = Digest.Digest.make(new Uint8Array(32).fill(8))
const peer = idOf(DeviceId.make("ab".repeat(16)), 1)
const presence: Presence.Presence = { swarm, peer, port: 7680, groupId: "lab" }
const told = Presence.together([Presence.records(presence)])

describe("A presence", () => {
  it("is told so that others find the peer, its port and its group", () => {
    assert.deepStrictEqual(Presence.sightings(told, swarm), [{ peer, port: 7680, group: Names.groupTag("lab") }])
    assert.isEmpty(Presence.sightings(told, other))
  })

  it("is not found any more once it is taken back", () => {
    assert.isEmpty(Presence.sightings(Presence.together([Presence.records(presence, { isOver: true })]), swarm))
  })

  it("is asked for by its content, its service or its name, in any letters, and by nothing else", () => {
    const asks = (name: string, type = "PTR") => Presence.asked([{ name, type }], [presence]).length
    for (const name of [
      Names.subtype(swarm),
      Names.service,
      Names.instance(peer),
      Names.subtype(swarm).toUpperCase()
    ]) {
      assert.strictEqual(asks(name), 1, name)
    }
    assert.strictEqual(asks(Names.subtype(other)), 0)
    assert.strictEqual(asks(Names.subtype(swarm), "AAAA"), 0)
    assert.isEmpty(
      Presence.asked(
        Array.from({ length: 200 }, () => ({ name: "x.local", type: "PTR" })),
        [presence]
      )
    )
  })

  it("says nothing twice when a device has several contents", () => {
    const both = Presence.together([presence, { ...presence, swarm: other }].map((one) => Presence.records(one)))
    assert.strictEqual(both._tag === "Response" ? both.answers.length : 0, 2)
    assert.strictEqual(both._tag === "Response" ? both.additionals.length : 0, 3)
    assert.strictEqual(Presence.sightings(both, other).length, 1)
  })

  it("of a stranger, without a port, or with one that is none is of no use", () => {
    const pointer = { type: "PTR", name: Names.subtype(swarm), ttl: 60 } as const
    const heard = (target: string, port: number) =>
      Presence.sightings(
        {
          _tag: "Response",
          answers: [{ ...pointer, target }],
          additionals: [{ type: "SRV", name: target, ttl: 60, target: "host.local", port }]
        },
        swarm
      )
    assert.strictEqual(heard(Names.instance(peer).toUpperCase(), 7680).length, 1)
    assert.isEmpty(heard(`desktop.${Names.service}`, 7680))
    assert.isEmpty(heard(`${peer}.local`, 7680))
    for (const port of [0, -1, 1.5, 65_536, Number.NaN]) assert.isEmpty(heard(Names.instance(peer), port))
    assert.isEmpty(
      Presence.sightings(
        { _tag: "Response", answers: [{ ...pointer, target: Names.instance(peer) }], additionals: [] },
        swarm
      )
    )
  })

  it("shows neither the content nor the group to who does not know them", () => {
    const text = JSON.stringify(told)
    assert.notInclude(text, "lab")
    assert.notInclude(text, "07".repeat(17))
  })
})
