/**
 * Bad pieces. Each is a strike against the device that sent it, and strikes last for the download, however often the device
 * leaves and joins. A device with too many is out and banned, and its host with it, unless another device there has
 * delivered a good piece or is connected without a strike: behind one address there may be many (NAT, loopback), and one
 * of them must not be able to keep the others out. An origin or a cache server is out.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Bits from "./internal/Bits.ts"
import type { Draft } from "./internal/Draft.ts"
import type { Deliverer } from "./Plan.ts"
import { weightOf } from "./Rarity.ts"
import type { Source } from "./Source.ts"
import { giveUp } from "./Trouble.ts"

/** Why a source with too many strikes is out. */
export const badPieces = "BadPieces"

/** Hosts that are remembered as honest; more than a download meets, and a bound on what it can be made to remember. */
const mostHosts = 1024

/** The piece was good. */
export const credit = (draft: Draft, by: Deliverer): void => {
  const { plan } = draft
  const source = draft.source(by.source)
  if (source !== undefined && source.failures > 0) {
    draft.put({ ...source, failures: 0, retryAt: 0 })
    draft.hungry.add(source.id)
  }
  if (by.host === undefined || by.device === undefined) return
  const known = plan.honest.get(by.host) ?? []
  if (known.includes(by.device) || known.length >= 2 || (known.length === 0 && plan.honest.size >= mostHosts)) return
  plan.honest = new Map(plan.honest).set(by.host, [...known, by.device])
}

/** The piece was bad. */
export const strike = (draft: Draft, by: Deliverer, piece: PieceIndex): void => {
  const { plan } = draft
  const source = draft.source(by.source)
  // The origin may have been spoiled on the way, and nobody else may hold the piece; all others evidently do not hold it.
  if (source !== undefined && source.kind !== "Origin" && Bits.has(source.held.bytes, piece))
    disown(draft, source, piece)

  const name = by.device ?? by.source
  const strikes = (plan.strikes.get(name) ?? 0) + 1
  plan.strikes = new Map(plan.strikes).set(name, strikes)
  if (strikes !== plan.settings.strikes) return
  const host = isHonest(draft, by) ? undefined : by.host
  if (by.peer !== undefined) {
    draft.commands.push({ _tag: "Ban", peer: by.peer, host, until: plan.now + plan.settings.banTime })
  }
  for (const other of plan.sources.values()) {
    const isSame = other.id === by.source || (by.device !== undefined && other.device === by.device)
    if (isSame || (other.peer !== undefined && host !== undefined && other.host === host)) {
      giveUp(draft, other.id, badPieces, "Banned")
    }
  }
}

/** A source that joins comes with the strikes it has. */
export const isOut = (draft: Draft, source: Source): boolean =>
  (draft.plan.strikes.get(source.device ?? source.id) ?? 0) >= draft.plan.settings.strikes

const isHonest = ({ plan }: Draft, by: Deliverer): boolean => {
  if (by.host === undefined) return false
  if ((plan.honest.get(by.host) ?? []).some((device) => device !== by.device)) return true
  for (const other of plan.sources.values()) {
    if (other.host !== by.host || other.device === undefined || other.device === by.device) continue
    if (!plan.strikes.has(other.device)) return true
  }
  return false
}

const disown = (draft: Draft, source: Source, piece: PieceIndex): void => {
  const bytes = source.held.bytes.slice()
  Bits.clear(bytes, piece)
  draft.put({ ...source, held: { ...source.held, bytes }, heldCount: source.heldCount - 1 })
  draft.count(piece, -weightOf(source))
}
