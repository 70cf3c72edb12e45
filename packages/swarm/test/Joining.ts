/** Joins as devices make them, and swarms that take them: what the tests of members and handouts share. */
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import * as Profile from "@piecework/cloud/Profile"
import { Content, Digest, Peer } from "@piecework/domain"
import { Option } from "effect"
import * as Handouts from "../src/Handouts.ts"
import * as Pace from "../src/Pace.ts"
import { type Joined, type Rules, SwarmState } from "../src/SwarmState.ts"

export const idOf = (n: number) => Peer.idOf(Peer.DeviceId.make("b".repeat(32)), n)
export const numberOf = (id: Peer.PeerId) => Number.parseInt(id.slice(32), 16)

const contentId = Content.idOf(Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32)))))

export type Told = Partial<ConstructorParameters<typeof JoinRequest>[0]>

/** What is not said is that of a PC in LAN mode that has begun to download. */
export const joining = (n: number, told?: Told): JoinRequest =>
  JoinRequest.make(
    {
      contentId,
      peerId: idOf(n),
      reportedIp: `192.168.${n >> 8}.${n & 0xff}`,
      port: 7680,
      left: 1,
      event: "Periodic",
      scope: "Lan",
      ...told
    },
    // Thousands of them are made.
    { disableChecks: true }
  )

export const rules = (overrides?: Partial<Rules>): Rules => ({
  pace: Pace.defaults,
  privateNetworks: "OneSite",
  handoutLimit: 255,
  maxMembers: 100_000,
  census: { most: 100_000, count: 0 },
  ...overrides
})

export const here = "203.0.113.1"
export const there = "198.51.100.1"

/** A swarm, and what happens to it. */
export const swarmOf = (
  joins: ReadonlyArray<JoinRequest | readonly [JoinRequest, string]>,
  options?: { readonly seed?: number; readonly rules?: Rules }
): SwarmState => {
  const state = new SwarmState(options?.seed ?? 1, 0, options?.rules ?? rules())
  for (const join of joins) {
    if (join instanceof JoinRequest) state.join(join, here, 0)
    else state.join(join[0], join[1], 0)
  }
  return state
}

export const peersOf = (joined: Joined): ReadonlyArray<Peer.Peer> => Handouts.toHandout(joined).peers
export const numbersOf = (joined: Joined): ReadonlyArray<number> => peersOf(joined).map(({ id }) => numberOf(id))

export const server = { profile: Profile.server }
