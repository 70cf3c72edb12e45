/** Who is matched with whom: a table over every pair of modes, groups, places, classes and restrictions. Source: spec.md §2. */
import { assert, describe, it } from "@effect/vitest"
import { ArrayRpcs, JoinRequest } from "@piecework/cloud/ArrayRpcs"
import * as Caller from "@piecework/cloud/Caller"
import { Gate } from "@piecework/cloud/Gate"
import * as Profile from "@piecework/cloud/Profile"
import { Content, Digest, Peer } from "@piecework/domain"
import { Effect, Layer, Option } from "effect"
import { RpcTest } from "effect/rpc"
import * as ArrayHandlers from "../src/ArrayHandlers.ts"
import * as Handouts from "../src/Handouts.ts"
import { Memory, SwarmActor } from "../src/SwarmActor.ts"
import * as SwarmConfig from "../src/SwarmConfig.ts"
import { Swarms } from "../src/Swarms.ts"

interface Device {
  readonly scope: "Lan" | "Group" | "Internet"
  readonly groupId?: string
  readonly externalIp: string
  readonly subnet: number
  readonly profile: number
  readonly restriction: "None" | "Subnet"
}

const devices: ReadonlyArray<Device> = [
  { scope: "Lan" as const },
  { scope: "Group" as const, groupId: "blue" },
  { scope: "Group" as const, groupId: "red" },
  { scope: "Group" as const },
  { scope: "Internet" as const }
].flatMap((mode) =>
  ["203.0.113.1", "198.51.100.1"].flatMap((externalIp) =>
    [1, 2].flatMap((subnet) =>
      [Profile.pc, Profile.server].flatMap((profile) =>
        (["None", "Subnet"] as const).map((restriction) => ({ ...mode, externalIp, subnet, profile, restriction }))
      )
    )
  )
)

const pairs = devices.flatMap((one) => devices.map((other) => [one, other] as const))

const nameOf = ({ externalIp, groupId, profile, restriction, scope, subnet }: Device) =>
  `${scope} ${groupId ?? "-"} at ${externalIp}, subnet ${subnet}, ${profile === Profile.pc ? "client" : "server"}, ${restriction}`

/** How near they are by the words of the documents, or that they are not for each other. */
const expected = (one: Device, other: Device): "Lan" | "Group" | "Internet" | undefined => {
  const both = (scope: Device["scope"]) => one.scope === scope && other.scope === scope
  const isSameSite = one.externalIp === other.externalIp
  if (one.profile !== other.profile) return undefined
  const isRestricted = one.restriction === "Subnet" || other.restriction === "Subnet"
  if (isRestricted && one.subnet !== other.subnet) return undefined
  if (one.scope === "Group" || other.scope === "Group") {
    if (!both("Group") || one.groupId === undefined || one.groupId !== other.groupId) return undefined
    return isSameSite ? "Lan" : "Group"
  }
  if (both("Internet")) return isSameSite ? "Lan" : "Internet"
  return isSameSite ? "Lan" : undefined
}

const idOf = (n: number) => Peer.idOf(Peer.DeviceId.make("d".repeat(32)), n)
const contentOf = (n: number) => {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, n)
  return Content.idOf(Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(bytes))))
}

const joinOf = (
  n: number,
  content: number,
  { groupId, profile, restriction, scope, subnet }: Device,
  told?: Partial<ConstructorParameters<typeof JoinRequest>[0]>
) =>
  new JoinRequest({
    contentId: contentOf(content),
    peerId: idOf(n),
    reportedIp: `192.168.${subnet}.${n}`,
    subnetMask: "255.255.255.0",
    port: 7680,
    left: 1,
    event: "Started",
    scope,
    ...(groupId === undefined ? {} : { groupId }),
    profile,
    restriction,
    ...told
  })

const kindIn = (peers: ReadonlyArray<Peer.Peer>) => peers.find(({ id }) => id === idOf(1))?.kind

const config = SwarmConfig.defaults

describe("two devices", () => {
  it(`are matched by a swarm as the documents say, for all ${pairs.length} pairs`, () => {
    for (const [n, [one, other]] of pairs.entries()) {
      // Those who name no group, and those of another, would not meet in one swarm at all: it tells them apart even so.
      const swarm = new SwarmActor(n, 0, config, new Memory(config))
      swarm.join(joinOf(1, 0, one, { left: 0 }), one.externalIp, 0)
      const { peers } = Handouts.toHandout(swarm.join(joinOf(2, 0, other), other.externalIp, 0))
      assert.strictEqual(kindIn(peers), expected(one, other), `${nameOf(one)} with ${nameOf(other)}`)
    }
  })

  it.effect("are matched through the role of the service likewise", () =>
    Effect.gen(function* () {
      const client = yield* RpcTest.makeClient(ArrayRpcs)
      const joined = (externalIp: string, request: JoinRequest) =>
        client.Join(request, { headers: { [Caller.externalIpHeader]: externalIp } })
      for (const [n, [one, other]] of pairs.entries()) {
        yield* joined(one.externalIp, joinOf(1, n, one, { left: 0 }))
        const { peers } = yield* joined(other.externalIp, joinOf(2, n, other))
        assert.strictEqual(kindIn(peers), expected(one, other), `${nameOf(one)} with ${nameOf(other)}`)
      }
    }).pipe(
      Effect.provide(
        ArrayHandlers.layer.pipe(
          Layer.provide(Swarms.layerEmbedded),
          Layer.provide(SwarmConfig.layer()),
          Layer.provide(Gate.layerOpen),
          Layer.merge(Caller.layerInProcess())
        )
      )
    )
  )
})

/** What a join says of giving. */
const givings = [
  { name: "gives to all", told: {}, near: true, far: true },
  { name: "gives to its site", told: { restrictedUpload: true, givesNear: true }, near: true, far: false },
  { name: "gives nothing", told: { restrictedUpload: true }, near: false, far: false },
  // Only with the other word does it mean anything.
  { name: "gives near, unrestricted", told: { givesNear: true }, near: true, far: true }
] as const

const base = { scope: "Internet", subnet: 1, profile: Profile.pc, restriction: "None" } as const
const here: Device = { ...base, externalIp: "203.0.113.1" }
const there: Device = { ...base, externalIp: "198.51.100.1" }

describe("a device that has everything", () => {
  for (const { far, name, near, told } of givings) {
    it(`and ${name} is handed to those whom it gives something`, () => {
      for (const [asker, isGiven] of [
        [here, near],
        [there, far]
      ] as const) {
        const swarm = new SwarmActor(1, 0, config, new Memory(config))
        swarm.join(joinOf(1, 0, here, { left: 0, ...told }), here.externalIp, 0)
        const { peers } = Handouts.toHandout(swarm.join(joinOf(2, 0, asker), asker.externalIp, 0))
        assert.strictEqual(kindIn(peers) !== undefined, isGiven, asker.externalIp)
      }
    })
  }

  it("is handed to others anew once its word has changed", () => {
    const swarm = new SwarmActor(1, 0, config, new Memory(config))
    const seen = (told: object, asker: Device) => {
      swarm.join(joinOf(1, 0, here, { left: 0, event: "Periodic", ...told }), here.externalIp, 0)
      return kindIn(Handouts.toHandout(swarm.join(joinOf(2, 0, asker), asker.externalIp, 0)).peers) !== undefined
    }
    for (const { far, near, told } of [...givings, ...givings.toReversed()]) {
      assert.strictEqual(seen(told, there), far)
      assert.strictEqual(seen(told, here), near)
    }
  })

  it("counts as a source of its site, and of leases there, only if it gives to its site", () => {
    for (const { near, told } of givings) {
      const swarm = new SwarmActor(1, 0, config, new Memory(config))
      swarm.join(joinOf(1, 0, here, { left: 0, ...told }), here.externalIp, 0)
      const { near: members } = swarm.join(joinOf(2, 0, here), here.externalIp, 0)
      assert.strictEqual(members.length === 1, near)
    }
  })
})

describe("a device that lacks something and may not give", () => {
  it("is still handed those who give", () => {
    for (const { told } of givings) {
      for (const source of [here, there]) {
        const swarm = new SwarmActor(1, 0, config, new Memory(config))
        swarm.join(joinOf(1, 0, source, { left: 0 }), source.externalIp, 0)
        const { peers } = Handouts.toHandout(swarm.join(joinOf(2, 0, here, told), here.externalIp, 0))
        assert.isDefined(kindIn(peers))
      }
    }
  })
})
