import { assert, describe, it } from "@effect/vitest"
import { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import * as Profile from "@piecework/cloud/Profile"
import { Content, Digest, Peer } from "@piecework/domain"
import { HashMap, Option } from "effect"
import { defaults } from "../src/LeasePace.ts"
import * as LeaseTable from "../src/LeaseTable.ts"
import * as LeaseTables from "../src/LeaseTables.ts"

const contentId = Content.idOf(Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32)))))
const peerOf = (device: number, suffix = 0) =>
  Peer.idOf(Peer.DeviceId.make(device.toString(16).padStart(32, "0")), suffix)
const here = "203.0.113.1"
const elsewhere = "198.51.100.1"

class Tables {
  state = LeaseTables.empty
  now = 1_000_000
  limits: LeaseTables.Limits = { maxMembers: 100, maxBytes: 1_000_000 }

  /** The pieces leased; `undefined` when it is refused. */
  ask(
    peerId: Peer.PeerId,
    more: Partial<ConstructorParameters<typeof LeaseRequest>[0]> = {},
    from = here
  ): ReadonlyArray<number> | undefined {
    const pieceCount = more.pieceCount ?? 8
    const request = new LeaseRequest({
      contentId,
      peerId,
      reportedIp: "10.0.0.1",
      scope: "Lan",
      pieceCount,
      pieceSize: 1000,
      held: new Uint8Array(Math.ceil(pieceCount / 8)),
      keep: [],
      most: 1,
      originRate: 0,
      seq: 0,
      ...more
    })
    const asker = { site: from, externalIp: from, sources: 0, gives: true }
    const [answer, next] = LeaseTables.ask(this.state, request, asker, this.now, defaults, this.limits)
    this.state = next
    return answer?.runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, n) => first + n))
  }

  leave(peerId: Peer.PeerId, from = here): void {
    this.state = LeaseTables.leave(this.state, peerId, from, this.now, defaults)
  }

  get sizes(): ReadonlyArray<number> {
    return [...HashMap.values(this.state.tables)].map(({ members }) => HashMap.size(members))
  }
}

describe("Members share a table", () => {
  it("when they are at one site, of one class, and cut the content alike", () => {
    const tables = new Tables()
    assert.deepStrictEqual([tables.ask(peerOf(1)), tables.ask(peerOf(2))], [[0], [4]])
  })

  for (const [difference, ask] of Object.entries({
    site: (tables: Tables) => tables.ask(peerOf(2), {}, elsewhere),
    class: (tables: Tables) => tables.ask(peerOf(2), { profile: Profile.server }),
    "number of pieces": (tables: Tables) => tables.ask(peerOf(2), { pieceCount: 9 }),
    "size of pieces": (tables: Tables) => tables.ask(peerOf(2), { pieceSize: 999 })
  }))
    it(`and not when their ${difference} differs`, () => {
      const tables = new Tables()
      tables.ask(peerOf(1))
      assert.deepStrictEqual(ask(tables), [0])
    })
})

describe("A member", () => {
  it("that tells the content otherwise is in one table still", () => {
    const tables = new Tables()
    tables.ask(peerOf(1))
    tables.ask(peerOf(1), { pieceCount: 9 })
    assert.deepStrictEqual(tables.sizes, [1])
    assert.deepStrictEqual(tables.ask(peerOf(2)), [0])
  })

  it("loses nothing by somebody elsewhere who says that it is that member", () => {
    const tables = new Tables()
    tables.ask(peerOf(1))
    tables.ask(peerOf(1), {}, elsewhere)
    tables.ask(peerOf(1), { pieceCount: 9 }, elsewhere)
    tables.leave(peerOf(1), elsewhere)
    assert.deepStrictEqual(tables.ask(peerOf(2)), [4])
    assert.deepStrictEqual(tables.sizes, [2])
  })

  it("gives all back when it leaves, and to leave twice or without having come changes nothing", () => {
    const tables = new Tables()
    tables.ask(peerOf(1))
    tables.leave(peerOf(1))
    assert.deepStrictEqual(tables.state.bytes, 0)
    tables.leave(peerOf(1))
    tables.leave(peerOf(2))
    assert.deepStrictEqual(tables.ask(peerOf(2)), [0])
  })

  it("with a bitfield of another length, or with bits past the end, is refused", () => {
    const tables = new Tables()
    assert.isUndefined(tables.ask(peerOf(1), { held: new Uint8Array(2) }))
    assert.isUndefined(tables.ask(peerOf(1), { pieceCount: 7, held: Uint8Array.of(1) }))
    assert.deepStrictEqual(tables.sizes, [])
  })
})

const restarted = (after: number) => {
  const tables = new Tables()
  tables.ask(peerOf(1), { keep: [{ first: 0, count: 1 }], most: 0, pieceCount: 1 })
  tables.now += after
  return tables
}
const asks = (tables: Tables, suffix = 1) => tables.ask(peerOf(1, suffix), { pieceCount: 1 })

describe("A device that was restarted", () => {
  it("has its leases back at once under another id, if the old one is overdue", () => {
    assert.deepStrictEqual(asks(restarted(defaults.renew + 1)), [0])
  })

  it("has them back within four seconds if it was quicker", () => {
    const tables = restarted(500)
    assert.deepStrictEqual(asks(tables), [])
    tables.now += 3_000
    assert.deepStrictEqual(asks(tables), [])
    tables.now += 1_000
    assert.deepStrictEqual(asks(tables), [0])
  })

  it("leaves its other processes what they have, if they go on", () => {
    const tables = restarted(500)
    for (let n = 0; n < 5; n++) {
      assert.deepStrictEqual(asks(tables), [])
      tables.ask(peerOf(1), { keep: [{ first: 0, count: 1 }], most: 0, pieceCount: 1 })
      tables.now += defaults.renew
    }
  })

  it("has them at once under the same id", () => {
    const tables = restarted(0)
    assert.deepStrictEqual(asks(tables, 0), [0])
  })
})

describe("Memory", () => {
  const { member, table } = LeaseTable.bytesOf(8)

  it("is bounded by the number of members", () => {
    const tables = new Tables()
    tables.limits = { ...tables.limits, maxMembers: 2 }
    assert.isDefined(tables.ask(peerOf(1)))
    assert.isDefined(tables.ask(peerOf(2), {}, elsewhere))
    assert.isUndefined(tables.ask(peerOf(3)))
    assert.isDefined(tables.ask(peerOf(1)))
    tables.leave(peerOf(2), elsewhere)
    assert.isDefined(tables.ask(peerOf(3)))
  })

  it("is bounded by the bytes of members and tables, so a table for each member is no way around", () => {
    const tables = new Tables()
    tables.limits = { ...tables.limits, maxBytes: 2 * table + 3 * member }
    for (let n = 1; n <= 4; n++) tables.ask(peerOf(n), { pieceSize: n })
    assert.deepStrictEqual(tables.sizes, [1, 1])
    assert.isDefined(tables.ask(peerOf(3), { pieceSize: 1 }))
    assert.isUndefined(tables.ask(peerOf(4), { pieceSize: 1 }))
    assert.strictEqual(tables.state.bytes, tables.limits.maxBytes)
  })

  it("of those that are silent is given back, also where nobody asks any more", () => {
    const tables = new Tables()
    tables.ask(peerOf(1))
    tables.ask(peerOf(2), { pieceSize: 1 })
    tables.ask(peerOf(3), { pieceSize: 1 })
    tables.now += 20_000
    tables.ask(peerOf(4), {}, elsewhere)
    assert.deepStrictEqual(tables.sizes, [1])
    assert.strictEqual(HashMap.size(tables.state.tableOf), 1)
    assert.strictEqual(tables.state.bytes, table + member)
    assert.strictEqual(tables.state.members, 1)
  })
})
