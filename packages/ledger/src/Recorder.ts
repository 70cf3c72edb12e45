/**
 * Collects what one download decides, in plain synchronous code: whoever decides something says so in a line, where it is decided. It is
 * bounded: what is said again is counted, of each kind the first and the last are kept, and a piece costs a word. Nothing is
 * formatted or written before somebody asks for a snapshot.
 */
import type { PeerKind } from "@piecework/domain/Peer"
import type { SourceKind } from "@piecework/domain/SourceKind"
import type { FetchReason } from "@piecework/scheduler/Command"
import { maxText } from "./Bounds.ts"
import type { End, Entry, Figures, Ledger, Party, Setting } from "./Ledger.ts"
import { Marks, mostSources } from "./Marks.ts"

type Without<E, K extends PropertyKey> = E extends unknown ? Omit<E, K> : never

/** An entry as it is said: when it was is added. */
export type Said = Without<Entry, "at" | "times" | "last">

/** What does not change while it goes on. */
export interface Subject extends Pick<
  Ledger,
  "url" | "path" | "door" | "job" | "caller" | "priority" | "mode" | "began" | "pid"
> {}

/** What others know of the download, asked for at each snapshot. */
export interface View extends Pick<
  Ledger,
  "phase" | "contentId" | "fileBytes" | "requestedBytes" | "heldBytes" | "figures"
> {}

export interface Offered {
  readonly id: string
  /** As text once it is kept. */
  readonly address: { readonly toString: () => string }
  readonly kind: PeerKind
}

export interface Recorder {
  /** `false` for one that keeps nothing: for who would have to work to find out what to say. */
  readonly isKept: boolean
  readonly note: (said: Said) => void
  /** Peers that were named at once. */
  readonly offered: (from: "Service" | "Lan", peers: ReadonlyArray<Offered>) => void
  /** A peer was dialled; `refused` with what that failed with. */
  readonly dialled: (peer: string) => void
  readonly refused: (peer: string, reason: string) => void
  /** A source is there, be it the origin, a cache server or a peer; it has left, and why. */
  readonly joined: (source: string, kind: SourceKind, address?: string) => void
  readonly left: (source: string, reason: string) => void
  readonly banned: (peer: string) => void
  /** The content has so many pieces of so many bytes. */
  readonly sized: (count: number, size: number) => void
  readonly asked: (source: string, first: number, count: number, reason: FetchReason) => void
  readonly cancelled: (source: string, reason: string) => void
  readonly failed: (source: string, reason: string, detail?: string) => void
  /** A piece is held; `isFirst`: and was not before. */
  readonly held: (source: string, piece: number, isFirst: boolean) => void
  readonly bad: (source: string) => void
  /** The piece is held, and no source of this download brought it. */
  readonly found: (piece: number) => void
  readonly ended: (end: Omit<End, "at">) => void
  /** Changes whenever something was said; pieces alone do not count. */
  readonly revision: () => number
  readonly snapshot: () => Ledger
}

/** Of one kind so many entries are kept: as many of the first as of the last. */
export const mostOfKind = 32

/** Parties that have a line of their own; what comes after them is summed up. */
export const mostParties = 256

/** Of what the cache held, and of what came by another way. */
export const localName = "cache of this device"
const othersName = "others"

/** The entries of one kind. */
interface Kind {
  readonly entries: Array<Entry>
  /** What the last of them says, as JSON: by that it is known when it is said again. */
  latest: string
}

/** A party as it is counted. */
type Counted = { -readonly [K in keyof Party]: Party[K] extends object | undefined ? Record<string, number> : Party[K] }

export interface Options {
  readonly subject: Subject
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly view: () => View
  /** The settings that somebody said, or that decide something; asked for at each snapshot. */
  readonly settings: () => ReadonlyArray<Setting>
}

export const make = ({ now, settings, subject, view }: Options): Recorder => {
  const kinds = new Map<Entry["_tag"], Kind>()
  const parties: Array<Party & Counted> = []
  const indices = new Map<string, number>()
  let marks: Marks | undefined
  let dropped = 0
  let revision = 0
  let end: End | undefined

  const at = () => Math.max(0, Math.round(now() - subject.began))

  const note = (given: Said) => {
    revision++
    const said = sober(given)
    const text = JSON.stringify(said)
    const kind = kinds.get(said._tag) ?? { entries: [], latest: "" }
    const { entries } = kind
    if (entries.length === 0) kinds.set(said._tag, kind)
    const when = at()
    const last = entries.at(-1)
    if (last !== undefined && kind.latest === text) {
      entries[entries.length - 1] = { ...last, times: (last.times ?? 1) + 1, last: when }
      return
    }
    kind.latest = text
    entries.push({ ...said, at: when } as Entry)
    if (entries.length <= mostOfKind) return
    entries.splice(mostOfKind / 2, 1)
    dropped++
  }

  const indexOf = (name: string, kind: SourceKind, address?: string): number => {
    const known = indices.get(name)
    if (known !== undefined) {
      const party = parties[known]
      if (party !== undefined && address !== undefined) party.address = address
      return known
    }
    if (parties.length >= Math.min(mostParties, mostSources) && name !== othersName) return indexOf(othersName, kind)
    indices.set(name, parties.length)
    parties.push({ name: name.slice(0, 256), kind, ...(address === undefined ? {} : { address }) } as Party & Counted)
    return parties.length - 1
  }
  const partyOf = (name: string) => parties[indexOf(name, kindOf(name))] as Counted

  return {
    isKept: true,
    note,
    offered: (from, peers) => {
      note({ _tag: "Offered", from, peers: peers.length })
      for (const { address, id, kind } of peers) {
        const party = parties[indexOf(`peer:${id}`, kind, address.toString())]
        if (party !== undefined && party.name !== othersName) party.kind = kind
      }
    },
    dialled: (peer) => {
      const party = partyOf(`peer:${peer}`)
      party.dials = (party.dials ?? 0) + 1
    },
    refused: (peer, reason) => {
      revision++
      count((partyOf(`peer:${peer}`).refused ??= {}), reason)
    },
    joined: (source, kind, address) => {
      revision++
      const party = parties[indexOf(source, kind, address)] as Counted
      if (party.name !== othersName) party.kind = kind
      party.sessions = (party.sessions ?? 0) + 1
    },
    left: (source, reason) => {
      revision++
      count((partyOf(source).left ??= {}), reason)
    },
    banned: (peer) => {
      revision++
      partyOf(`peer:${peer}`).banned = true
    },
    sized: (pieces, size) => {
      if (marks?.count !== pieces) marks = new Marks(pieces, size)
    },
    asked: (source, first, pieces, reason) => marks?.asked(indexOf(source, kindOf(source)), first, pieces, reason),
    cancelled: (source, reason) => count((partyOf(source).cancelled ??= {}), reason),
    failed: (source, reason, detail) => {
      count((partyOf(source).failed ??= {}), reason)
      note({
        _tag: "Failure",
        source: source.slice(0, 256),
        reason,
        ...(detail === undefined ? {} : { detail: short(detail) })
      })
    },
    held: (source, piece, isFirst) => {
      const index = indexOf(source, kindOf(source))
      const party = parties[index] as Counted
      if (isFirst) {
        party.brought = (party.brought ?? 0) + 1
        marks?.held(index, piece)
      } else party.duplicate = (party.duplicate ?? 0) + 1
    },
    bad: (source) => {
      revision++
      const party = partyOf(source)
      party.bad = (party.bad ?? 0) + 1
    },
    found: (piece) => {
      const index = indexOf(localName, "LocalCache")
      const party = parties[index] as Counted
      party.brought = (party.brought ?? 0) + 1
      marks?.found(index, piece)
    },
    ended: (what) => {
      revision++
      const { sentence, ...rest } = what
      end ??= { ...rest, ...(sentence === undefined ? {} : { sentence: plain(sentence) }), at: at() }
    },
    revision: () => revision,
    snapshot: () => {
      const entries = [...kinds.values()].flatMap((kind) => kind.entries).toSorted((a, b) => a.at - b.at)
      return {
        version: 1,
        ...subject,
        ...view(),
        at: at(),
        settings: settings(),
        entries,
        dropped,
        parties: parties.map((party) => ({ ...party })),
        ...(marks === undefined ? {} : { pieces: marks.snapshot() }),
        ...(end === undefined ? {} : { end })
      }
    }
  }
}

/** A text that somebody else wrote, no longer than a ledger takes it. */
export const short = (text: string, most = maxText): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text

/** What others wrote, without the queries of URLs in it and without a full stop: a query may be a secret. */
export const plain = (text: string): string =>
  text.replace(/(https?:\/\/[^\s?#]+)[?#]\S*?(?=[.,:;)]?(?:\s|$))/g, "$1").replace(/\.$/, "")

const sober = (said: Said): Said => {
  if ("detail" in said && said.detail !== undefined) return { ...said, detail: plain(said.detail) }
  return "sentence" in said ? { ...said, sentence: plain(said.sentence) } : said
}

/** A URL without what may be secret in it: its query, its fragment and a login. */
export const bare = (url: string): string => {
  if (!URL.canParse(url)) return short(url.replace(/[?#].*$/s, ""), 4096)
  const { host, pathname, protocol } = new URL(url)
  return short(`${protocol}//${host}${pathname}`, 4096)
}

/** Of a source that is spoken of before it came; how near a peer is is said when it comes. */
const kindOf = (name: string): SourceKind =>
  name.startsWith("origin:") ? "Origin" : name.startsWith("cache:") ? "CacheServer" : "Internet"

const mostReasons = 16

const count = (all: Record<string, number>, reason: string): void => {
  const name = Object.hasOwn(all, reason) || Object.keys(all).length < mostReasons ? reason.slice(0, 64) : "Other"
  all[name] = (all[name] ?? 0) + 1
}

const nothing: Figures = {
  useful: { Origin: 0, CacheServer: 0, LinkLocal: 0, Lan: 0, Group: 0, Internet: 0, LocalCache: 0 },
  received: { Origin: 0, CacheServer: 0, LinkLocal: 0, Lan: 0, Group: 0, Internet: 0, LocalCache: 0 },
  waste: { bad: 0, duplicate: 0, cancelled: 0 },
  sent: 0,
  connections: 0,
  peers: 0
}

const pass = () => undefined

/** Keeps nothing. */
export const silent: Recorder = {
  isKept: false,
  note: pass,
  offered: pass,
  dialled: pass,
  refused: pass,
  joined: pass,
  left: pass,
  banned: pass,
  sized: pass,
  asked: pass,
  cancelled: pass,
  failed: pass,
  held: pass,
  bad: pass,
  found: pass,
  ended: pass,
  revision: () => 0,
  snapshot: () => ({
    version: 1,
    began: 0,
    at: 0,
    pid: 0,
    url: "",
    door: "",
    priority: "Foreground",
    mode: "Simple",
    phase: "Starting",
    heldBytes: 0,
    settings: [],
    entries: [],
    dropped: 0,
    parties: [],
    figures: nothing
  })
}
