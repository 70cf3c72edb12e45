/**
 * Pieces that this client may ask the origin for by the word of a service that sees its whole site. While it says so, nothing
 * else is asked of the origin, and nothing that others of the site hold or fetch is taken over a long line.
 *
 * A service that falls silent, or whose word leaves the client with nothing to do for too long, is not waited for: the
 * client shares the origin with its neighbours as without it (`OriginChoice`), beginning with what it had leased.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { Event, Leased, PieceRun } from "./Event.ts"
import * as Floor from "./Floor.ts"
import * as Bits from "./internal/Bits.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Pace from "./Pace.ts"
import type { Plan } from "./Plan.ts"
import { isHeldNear } from "./Rarity.ts"
import * as Reading from "./Reading.ts"
import { isSitePeer, pendingOf, type Source, takesRuns } from "./Source.ts"

export interface Leases {
  /** `Off`: no service says anything. `Asked`: the first answer is due, so nothing is leased yet. `On`: leases hold. */
  readonly mode: "Off" | "Asked" | "On"
  /** What the last word leased to this client; some of it may have come since. */
  readonly pieces: Bitfield.Bitfield
  /** When the client last had a lease to follow, or saw that a piece had come into the site; epoch milliseconds. */
  readonly signAt: number
  /** Until then the service's word is not followed. */
  readonly ignoredUntil: number
}

export const make = (pieceCount: number, mode: Leases["mode"]): Leases => ({
  mode,
  pieces: Bitfield.empty(pieceCount),
  signAt: 0,
  ignoredUntil: 0
})

/** Only what is leased may be asked for. */
export const areFollowed = ({ leases, now }: Plan): boolean => leases.mode !== "Off" && now >= leases.ignoredUntil

/** The first answer is due. */
export const areAwaited = (plan: Plan): boolean => areFollowed(plan) && plan.leases.mode === "Asked"

export const isLeased = ({ leases }: Plan, piece: number): boolean => Bits.has(leases.pieces.bytes, piece)

/** Whether a source beyond the site's line may be asked for the piece: it costs the site what the origin's bytes cost. */
export const mayCross = (plan: Plan, piece: number): boolean => !areFollowed(plan) || isLeased(plan, piece)

/** All leases are these from now on. What was begun without one and has hardly come is taken back. */
export const leased = (draft: Draft, event: Leased): void => {
  const { plan } = draft
  const pieces = { pieceCount: plan.pieceCount, bytes: bitsOf(plan, event.runs) }
  const asked = bitsOf(plan, event.asked)
  plan.leases = {
    ...plan.leases,
    mode: "On",
    pieces,
    signAt: plan.leases.mode === "On" ? plan.leases.signAt : plan.now
  }
  if (!areFollowed(plan)) return
  for (const source of plan.sources.values()) {
    if (source.kind !== "Origin") continue
    for (const flight of source.flights) {
      // What makes up for slow peers needs no lease.
      if (Floor.lacking(plan) > 0) continue
      const isYoung = plan.now - flight.since < plan.settings.leaseYoung && flight.position === undefined
      const now = draft.source(source.id)
      const isOthers = pendingOf(flight).every((piece) => Bits.has(asked, piece) && !isLeased(plan, piece))
      // What a reader has waited for too long comes from here, whoever else fetches it.
      if (Reading.isRushed(plan, flight.run.first)) continue
      if (now !== undefined && isYoung && isOthers) draft.cancel(now, flight, "Unleased")
    }
    draft.hungry.add(source.id)
  }
  draft.wake()
}

const bitsOf = (plan: Plan, runs: Leased["runs"]): Uint8Array => {
  const bytes = new Uint8Array(Bitfield.byteLength(plan.pieceCount))
  for (const { first, count } of runs) {
    for (let piece = Math.max(0, first); piece < Math.min(first + count, plan.pieceCount); piece++) {
      if (Number.isInteger(piece)) Bits.set(bytes, piece)
    }
  }
  return bytes
}

export const off = (draft: Draft): void => {
  draft.plan.leases = { ...draft.plan.leases, mode: "Off" }
  draft.wake()
}

/** Nothing is under way, though nothing failed, because the service leased what is missing to others. */
export const isWaiting = (plan: Plan): boolean =>
  areFollowed(plan) &&
  [...plan.sources.values()].every(({ flights, kind, failures, out }) =>
    kind === "Origin" ? flights.length === 0 && failures === 0 && out === undefined : flights.length === 0
  )

/** At a Tick: whether the service's word has left the client without anything to do for too long. */
export const lookForQuiet = (draft: Draft): void => {
  const { plan } = draft
  // How long the first word is waited for, the caller says.
  if (plan.leases.mode !== "On" || !areFollowed(plan) || plan.wantedCount === 0) return
  // It does not ask, so that nothing is leased to it is no sign of anything.
  if (!plan.originAllowed) {
    plan.leases = { ...plan.leases, signAt: plan.now }
    return
  }
  let signAt = plan.leases.signAt
  let patience = plan.settings.leasePatience
  for (const source of plan.sources.values()) {
    // What is under way is a sign: that it stalls is looked for elsewhere.
    if (source.flights.length > 0) signAt = plan.now
    if (isSitePeer(source)) signAt = Math.max(signAt, source.freshAt)
    if (source.kind === "Origin")
      patience = Math.max(patience, Math.min(plan.settings.patienceMost, 4 * slow(plan, source)))
  }
  const isQuiet = plan.now - signAt >= patience
  const ignoredUntil = isQuiet ? plan.now + plan.settings.leasePause : plan.leases.ignoredUntil
  plan.leases = { ...plan.leases, signAt: isQuiet ? ignoredUntil : signAt, ignoredUntil }
}

const slow = (plan: Plan, origin: Source): number => (origin.rate === undefined ? 0 : Pace.timeFor(plan, origin, 1))

/** What comes from this source comes over the site's line. */
const isBeyond = (source: Source): boolean =>
  source.out === undefined && !isSitePeer(source) && source.kind !== "CacheServer" && source.kind !== "LocalCache"

/** Nothing may come over the line for now, so there is nothing to ask the service for. */
export const isResting = ({ originAllowed, sources }: Plan): boolean =>
  !originAllowed && ![...sources.values()].some((source) => isBeyond(source) && source.kind !== "Origin")

/** What the service is to be told at the next ask. */
export interface Need {
  /** Pieces under way over the site's line, and leased ones still to be asked for. */
  readonly keep: ReadonlyArray<PieceRun>
  /** How many of these the client has no lease for: the service gives those that are free. */
  readonly claimed: number
  /** How many more the client could take; 0 while it has enough. */
  readonly most: number
  /** Bytes a second over that line; 0 while unknown. */
  readonly originRate: number
}

/** Whether more leases may be needed now that this happened: something came over the line, it was opened, or time passed. */
export const concerns = (plan: Plan, event: Pick<Event, "_tag"> & { readonly source?: string }): boolean => {
  if (event.source === undefined) return lookedAt.has(event._tag)
  const source = plan.sources.get(event.source)
  return source !== undefined && isBeyond(source)
}

/** What may change what is needed though nothing came. */
const lookedAt: ReadonlySet<Event["_tag"]> = new Set(["Tick", "OriginAllowed", "Want", "Reading"])

/** Looks at what is leased and under way, and at no more of what is missing than could be leased. */
export const need = (plan: Plan): Need => {
  const { pieceCount, settings } = plan
  const beyond = [...plan.sources.values()].filter(isBeyond)
  // What may not be asked for now is for others to have.
  const sources = plan.originAllowed ? beyond : beyond.filter(({ kind }) => kind !== "Origin")
  const underWay = new Uint8Array(Bitfield.byteLength(pieceCount))
  for (const source of beyond) {
    for (const flight of source.flights) for (const piece of pendingOf(flight)) Bits.set(underWay, piece)
  }
  const mine = { pieceCount, bytes: underWay }
  const kept = sources.length === 0 ? mine : Bits.union(pieceCount, [plan.leases.pieces, mine])
  const keep: Array<{ first: PieceRun["first"]; count: number }> = []
  let ahead = 0
  Bits.forEach(kept.bytes, (piece) => {
    const isAhead = Bits.has(underWay, piece) || isFree(plan, piece)
    // What is being verified is neither held yet nor given back.
    if (!isAhead && !plan.verifying.has(piece)) return
    if (isAhead) ahead++
    const last = keep.at(-1)
    if (last !== undefined && last.first + last.count === piece) last.count++
    else if (keep.length < settings.mostLeased) keep.push({ first: piece, count: 1 })
  })
  const wanted = Math.min(settings.mostLeased, inFlight(plan, sources))
  const isOver = sources.length === 0 || ahead > wanted / 2
  const claims = sources.length === 0 ? [] : claimsOf(plan, Math.max(isOver ? 0 : wanted - ahead, plan.reading.length))
  for (const piece of claims) if (keep.length < settings.mostLeased) keep.push({ first: piece, count: 1 })
  return {
    keep,
    claimed: claims.length,
    // The service chooses among all pieces, so who wants some of them names these instead.
    most: isOver || !wantsAll(plan) ? 0 : missing(plan, wanted - ahead),
    originRate: Math.round(beyond.reduce((sum, source) => sum + (source.rate ?? 0), 0) * 1000)
  }
}

const wantsAll = (plan: Plan): boolean => plan.neededCount === plan.pieceCount

/** Pieces that this client means to ask for next if it may: what is read, and of one that wants some pieces those. At most so many. */
const claimsOf = (plan: Plan, most: number): ReadonlyArray<PieceRun["first"]> => {
  if (plan.reading.length === 0 && wantsAll(plan)) return []
  const claims = new Set<PieceRun["first"]>()
  const isNew = (piece: PieceRun["first"]) => isFree(plan, piece) && !isLeased(plan, piece) && !claims.has(piece)
  Reading.next(plan, (piece) => {
    if (isNew(piece)) claims.add(piece)
    return claims.size >= most
  })
  if (!wantsAll(plan)) {
    for (let i = 0; i < plan.wanted.bytes.length && claims.size < most; i++) {
      if (plan.wanted.bytes[i] === 0) continue
      for (let piece = i * 8; piece < i * 8 + 8 && claims.size < most; piece++) {
        if (isNew(piece as PieceRun["first"])) claims.add(piece as PieceRun["first"])
      }
    }
  }
  return [...claims]
}

/** How many pieces nobody of the site is known to hold, and this client has neither leased nor asked for; at most so many. */
const missing = (plan: Plan, most: number): number => {
  const { leases, wanted } = plan
  let count = 0
  for (let i = 0; i < wanted.bytes.length && count < most; i++) {
    if (((wanted.bytes[i] ?? 0) & ~(leases.pieces.bytes[i] ?? 0)) === 0) continue
    for (let piece = i * 8; piece < i * 8 + 8 && count < most; piece++) {
      if (isFree(plan, piece) && !isLeased(plan, piece)) count++
    }
  }
  return count
}

/** How many pieces from beyond the line should be under way or next. */
const inFlight = (plan: Plan, sources: ReadonlyArray<Source>): number => {
  const { settings, layout } = plan
  let most = 0
  for (const source of sources) {
    const ahead = Math.ceil(((source.rate ?? 0) * settings.leaseAhead) / layout.pieceSize)
    if (source.failures > 0) most += 1
    else if (takesRuns(source)) most += Math.max(ahead, settings.runsInFlight * Pace.runLength(plan, source))
    else most += Math.max(ahead, settings.fewestInFlight)
  }
  return most
}

/** Wanted, and nobody of the site is known to hold it. */
const isFree = (plan: Plan, piece: number): boolean => Bits.has(plan.wanted.bytes, piece) && !isHeldNear(plan, piece)
