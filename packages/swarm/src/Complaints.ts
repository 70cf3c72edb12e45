/**
 * What members say against others, so that peers which nobody reaches, or which give bad pieces, come last in handouts.
 * Pure. Complaints are no proof, and must be no weapon; so
 *
 * - a site has one voice: however many of its devices complain about a member, and under however many names;
 * - to a site its own word is enough, since a line or a firewall may part just the two of them, and the only ones that it
 *   can harm are its own; others go by the word of several sites, of more the more sites there are;
 * - that strangers do not reach a device from elsewhere says nothing to its neighbours;
 * - a complaint ends when it is not repeated: with the next join of who made it, or after a while;
 * - whoever is complained about comes later in handouts, never out of them, and one draw in eight is blind to complaints:
 *   so a member that was slandered goes on meeting others, and one that is reached again is soon where it was.
 */
import type { ComplaintReason } from "@piecework/cloud/ArrayRpcs"
import type { PeerId } from "@piecework/domain/Peer"
import { isNear, type Member } from "./Member.ts"

export interface Complaint {
  readonly by: PeerId
  /** Of whoever complains. */
  readonly site: string
  readonly reason: ComplaintReason
  /** Milliseconds on the clock of the swarm. */
  readonly until: number
}

/** Longer than a source's pause between two joins, so that it is heard until it says otherwise. In milliseconds. */
export const lasting = 600_000

/** One draw in so many is blind to complaints. */
export const blindEvery = 8

/** Complaints that are kept about one member: as many as are ever needed, and some that may end. */
const mostKept = 16

/** Sites that must complain before others listen: an eighth of those in the swarm, at least 3 and at most 12. */
export const voicesNeeded = (sites: number): number => Math.min(12, Math.max(3, Math.ceil(sites / 8)))

/** With the complaint in place of what its site said before; the one that ends first makes room. */
export const withComplaint = (
  before: ReadonlyArray<Complaint> | undefined,
  complaint: Complaint,
  now: number
): ReadonlyArray<Complaint> => {
  const others = (before ?? []).filter(({ site, until }) => site !== complaint.site && until > now)
  return [...others.toSorted((a, b) => b.until - a.until).slice(0, mostKept - 1), complaint]
}

/** Without what `by` said; what another of its site has said since stays. */
export const withoutComplaint = (
  before: ReadonlyArray<Complaint> | undefined,
  by: PeerId
): ReadonlyArray<Complaint> | undefined => {
  const rest = before?.filter((complaint) => complaint.by !== by)
  return rest?.length === 0 ? undefined : rest
}

/** Whether `other` comes last in what `asker` is handed. */
export const comesLast = (asker: Member, other: Member, needed: number, now: number): boolean => {
  if (other.complaints === undefined) return false
  let voices = 0
  for (const { reason, site, until } of other.complaints) {
    if (until <= now) continue
    if (site === asker.near.site) return true
    if (reason === "Bad" || !isNear(asker, other)) voices++
  }
  return voices >= needed
}
