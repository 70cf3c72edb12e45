import { assert, describe, it } from "@effect/vitest"
import type { PeerKind } from "@piecework/domain/Peer"
import { type Member, UploadSlots } from "../src/internal/UploadSlots.ts"

/** Slots, of whose members a test sees who may send. */
const slotsFor = (count: number) => {
  const closed = new Set<PeerKind>()
  const slots = new UploadSlots(count, (to) => !closed.has(to))
  const open: Array<string> = []
  const member = (name: string, kind: PeerKind): Member => ({
    kind,
    setUnchoked: (unchoked) => {
      assert.notStrictEqual(open.includes(name), unchoked, "told only what is new")
      if (unchoked) open.push(name)
      else open.splice(open.indexOf(name), 1)
    }
  })
  const turn = (kind: PeerKind, isOpen: boolean) => {
    if (isOpen) closed.delete(kind)
    else closed.add(kind)
    slots.review()
  }
  return { slots, open, member, turn }
}

describe("upload slots", () => {
  it("are for those that may be sent to; others get theirs when they may", () => {
    const { member, open, slots, turn } = slotsFor(10)
    const [lan, far] = [member("lan", "Lan"), member("far", "Internet")]
    slots.join(lan)
    slots.join(far)
    turn("Internet", false)
    assert.deepStrictEqual(open, ["lan"])
    const late = member("late", "Internet")
    slots.join(late)
    slots.join(late)
    turn("Lan", false)
    assert.deepStrictEqual(open, [])
    slots.rotate()
    assert.deepStrictEqual(open, [])
    turn("Internet", true)
    assert.sameMembers(open, ["far", "late"])
    turn("Lan", true)
    assert.sameMembers(open, ["far", "late", "lan"])
  })

  it("that nobody may have go to those that may", () => {
    const { member, open, slots, turn } = slotsFor(1)
    slots.join(member("far", "Internet"))
    slots.join(member("lan", "Lan"))
    assert.deepStrictEqual(open, ["far"])
    turn("Internet", false)
    assert.deepStrictEqual(open, ["lan"])
    turn("Internet", true)
    assert.deepStrictEqual(open, ["lan"])
    slots.rotate()
    assert.deepStrictEqual(open, ["far"])
  })

  it("are not given to one that left while it might not be sent to", () => {
    const { member, open, slots, turn } = slotsFor(2)
    const far = member("far", "Internet")
    turn("Internet", false)
    slots.join(far)
    slots.leave(far)
    turn("Internet", true)
    assert.deepStrictEqual(open, [])
  })
})
