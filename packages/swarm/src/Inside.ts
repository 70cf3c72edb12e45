/** A swarm from inside, as it is this moment: sites, who feeds whom, and a page of members. Takes time with each member. */
import { type PeerId } from "@piecework/domain/Peer"
import * as Profile from "@piecework/cloud/Profile"
import * as Amounts from "./Amounts.ts"
import { Inspected, LiveFlow, LiveMember, LiveSite, mostFlows, mostRows } from "./LiveView.ts"
import type { Member } from "./Member.ts"
import * as PeerJson from "./PeerJson.ts"
import type { SwarmState } from "./SwarmState.ts"
import * as Traits from "./Traits.ts"

/** Which members are asked for. */
export interface Page {
  readonly site?: string | undefined
  readonly after?: PeerId | undefined
  readonly most: number
}

export const look = (state: SwarmState, page: Page, leasedPieces: number, at: number): Inspected => {
  const sites = new Map<string, Site>()
  /** By who receives, and then by who gives. */
  const flows = new Map<string, Map<string, Flow>>()
  const given = new Map<PeerId, number>()
  const found: Array<readonly [id: PeerId, member: Member]> = []
  for (const member of state.all) {
    const name = siteOf(member)
    const site = sites.get(name) ?? { members: 0, complete: 0, bytes: Amounts.none(), rate: Amounts.none() }
    sites.set(name, site)
    site.members++
    if ((member.traits & Traits.complete) !== 0) site.complete++
    const { id } = member
    if ((page.site === undefined || page.site === name) && (page.after === undefined || id > page.after)) {
      found.push([id, member])
    }
    const { activity } = member
    if (activity === undefined) continue
    Amounts.add(site.bytes, activity.bytes)
    Amounts.add(site.rate, activity.rate)
    if (activity.fedBy.length === 0) continue
    const into = flows.get(name) ?? new Map<string, Flow>()
    flows.set(name, into)
    for (const { bytes, peerId, rate } of activity.fedBy) {
      given.set(peerId, (given.get(peerId) ?? 0) + rate)
      const feeder = state.find(peerId)
      // Where one was that is gone nobody knows.
      if (feeder === undefined) continue
      const from = siteOf(feeder)
      const flow = into.get(from) ?? { from, to: name, bytes: 0, rate: 0 }
      if (flow.bytes === 0) into.set(from, flow)
      flow.bytes += bytes
      flow.rate += rate
    }
  }
  const members = found.toSorted(([a], [b]) => (a < b ? -1 : 1)).slice(0, Math.min(page.most, mostRows))
  const last = members.at(-1)?.[0]
  const { bytes, complete, members: count, rate } = state.sums
  return new Inspected({
    at,
    figures: {
      members: count,
      complete,
      sites: sites.size,
      bytes: Amounts.toByKind(bytes),
      rate: Amounts.toByKind(rate)
    },
    leasedPieces,
    sites: [...sites]
      .toSorted(([a, one], [b, other]) => other.members - one.members || (a < b ? -1 : 1))
      .slice(0, mostRows)
      .map(
        ([site, of]) =>
          new LiveSite({ ...of, site, bytes: Amounts.toByKind(of.bytes), rate: Amounts.toByKind(of.rate) })
      ),
    flows: [...flows.values()]
      .flatMap((into) => [...into.values()])
      .toSorted((a, b) => b.bytes - a.bytes || (a.from + a.to < b.from + b.to ? -1 : 1))
      .slice(0, mostFlows)
      .map((flow) => new LiveFlow({ ...flow, bytes: counted(flow.bytes), rate: counted(flow.rate) })),
    members: members.map(([id, member]) => viewOf(id, member, counted(given.get(id) ?? 0), state.start)),
    ...(last !== undefined && found.length > members.length ? { next: last } : {})
  })
}

interface Flow {
  readonly from: string
  readonly to: string
  bytes: number
  rate: number
}

interface Site {
  members: number
  complete: number
  readonly bytes: Amounts.Amounts
  readonly rate: Amounts.Amounts
}

const siteOf = (member: Member): string => member.near.site ?? ""

const counted = (sum: number): number => Math.min(Number.MAX_SAFE_INTEGER, sum)

const viewOf = (peerId: PeerId, member: Member, gives: number, start: number): LiveMember => {
  const { activity, json, traits } = member
  const isComplete = (traits & Traits.complete) !== 0
  return new LiveMember({
    peerId,
    site: siteOf(member),
    externalIp: member.externalIp,
    host: PeerJson.hostOf(json),
    port: PeerJson.portOf(json),
    scope: (traits & Traits.internet) !== 0 ? "Internet" : (traits & Traits.group) !== 0 ? "Group" : "Lan",
    kind: kinds.get(traits & Traits.profileClass) ?? "Other",
    isComplete,
    isRestricted: (traits & Traits.restricted) !== 0,
    givesNear: (traits & Traits.givesNear) !== 0,
    gives,
    fedBy: activity?.fedBy ?? [],
    seenAt: start + member.seenAt,
    joinedAt: Math.max(0, start + member.joinedAt),
    ...(activity === undefined
      ? isComplete
        ? { left: 0, percent: 100 }
        : {}
      : {
          left: activity.left,
          ...percentOf(activity.left, activity.size),
          bytes: Amounts.toByKind(activity.bytes),
          rate: Amounts.toByKind(activity.rate)
        })
  })
}

const kinds = new Map<number, LiveMember["kind"]>([
  [Profile.classOf(Profile.pc), "Pc"],
  [Profile.classOf(Profile.server), "Server"]
])

/** With two decimals, and 100 only when nothing is missing. */
const percentOf = (left: number, size: number): { readonly percent?: number } => {
  if (left === 0) return { percent: 100 }
  return size < left || size === 0 ? {} : { percent: Math.floor((1 - left / size) * 10_000) / 100 }
}
