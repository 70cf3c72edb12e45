/** Joins as devices make them, and swarms that take them: what the tests of members and handouts share. */
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import * as Profile from "@piecework/cloud/Profile"
import { Content, Digest, Peer } from "@piecework/domain"
import { Option } from "effect"
import * as Handouts from "../src/Handouts.ts"
import * as Pace from "../src/Pace.ts"
import { type Joined, type Rules, SwarmState } from "../src/SwarmState.ts"

const device = Peer.DeviceId.make("b".repeat(32))
export const idOf = (n: number) => `${device}${n.toString(16).padStart(8, "0")}` as Peer.PeerId
export const numberOf = (id: Peer.PeerId) => Number.parseInt(id.slice(32), 16)

const contentId = Content.idOf(Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32)))))

export type Told = Partial<ConstructorParameters<typeof JoinRequest>[0]>

const usual = new JoinRequest({
  contentId,
  peerId: idOf(0),
  reportedIp: "192.168.0.0",
  port: 7680,
  left: 1,
  event: "Started",
  scope: "Lan"
})

/**
 * What is not said is that of a PC in LAN mode that has begun to download. Thousands of them are made, so they are copies
 * of one that the schema made.
 */
export const joining = (n: number, told?: Told): JoinRequest => ({
  ...usual,
  peerId: idOf(n),
  reportedIp: `192.168.${(n >> 8) & 0xff}.${n & 0xff}`,
  ...told
})

export const rules = (overrides?: Partial<Rules>): Rules => ({
  pace: Pace.defaults,
  privateNetworks: "OneSite",
  handoutLimit: 255,
  maxMembers: 100_000,
  census: { most: 100_000, count: 0 },
  followed: { most: 100_000, count: 0 },
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
    if ("peerId" in join) state.join(join, here, 0)
    else state.join(join[0], join[1], 0)
  }
  return state
}

export const peersOf = (joined: Joined): ReadonlyArray<Peer.Peer> => Handouts.toHandout(joined).peers
export const numbersOf = ({ far, near }: Joined): ReadonlyArray<number> =>
  [...near, ...far].map(({ id }) => numberOf(id))

export const server = { profile: Profile.server }
