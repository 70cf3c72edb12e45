/**
 * Services of any type on the local network: how one is told of, and what is made of what others tell. Pure. Whoever is on the
 * network may say anything, so what is remembered is bounded in number and time, and who was there first stays.
 * Source: RFC 6763 §4-6.
 */
import { type Message, mostEntries, type Question, type Record } from "./Message.ts"
import * as Names from "./Names.ts"
import type { Answer } from "./Presence.ts"

/** A service of this machine. */
export interface Service {
  /** As `_http._tcp.local`. */
  readonly type: string
  /** What tells it from others of its type; letters, digits and hyphens. */
  readonly instance: string
  readonly port: number
  /** `key=value` each, 255 bytes at most. */
  readonly texts: ReadonlyArray<string>
}

/** A service that somebody told of. */
export interface Found {
  /** With its type, in small letters. */
  readonly name: string
  readonly port: number
  readonly texts: ReadonlyArray<string>
  /** IPv4 and IPv6 of its host, as told; the first told first. */
  readonly addresses: ReadonlyArray<string>
}

/** Seconds: others may keep what they heard for so long. Source: RFC 6762 §10. */
const kept = { shared: 4500, host: 120 } as const
/** Most instances, and addresses of one host, that are remembered. */
const most = { instances: 32, addresses: 8, texts: 16 } as const

export const records = (service: Service, options?: { readonly isOver?: boolean }): Answer => {
  const { port, texts, type } = service
  const name = `${service.instance}.${type}`
  const isOver = options?.isOver === true
  return {
    answers: [{ type: "PTR", name: type, ttl: isOver ? 0 : kept.shared, target: name }],
    additionals: isOver
      ? []
      : [
          { type: "SRV", name, ttl: kept.host, target: hostOf(service), port },
          { type: "TXT", name, ttl: kept.shared, strings: texts.length === 0 ? [""] : texts }
        ]
  }
}

export const isAsked = (service: Service, names: ReadonlySet<string>): boolean =>
  [service.type, `${service.instance}.${service.type}`, hostOf(service)].some((name) => names.has(name.toLowerCase()))

/** Its own, since the machine's may be somebody else's to tell. */
const hostOf = ({ instance, type }: Service): string => `${instance}-${Names.labelOf(type.split(".")[0] ?? "")}.local`

interface Instance {
  /** Until when there is one of that name; epoch milliseconds, as all times here. */
  readonly until: number
  readonly at: { readonly target: string; readonly port: number; readonly until: number } | undefined
  readonly texts: { readonly strings: ReadonlyArray<string>; readonly until: number } | undefined
  /** Each with the end of its time. */
  readonly addresses: ReadonlyMap<string, number>
}

/** By name, in small letters, in the order in which they were heard of. */
export type Directory = ReadonlyMap<string, Instance>

export const nothing: Directory = new Map()

/** Whether it may change what is known; everything else on the network need not be looked at. */
export const isAbout = (directory: Directory, type: string, message: Message): boolean => {
  if (message._tag !== "Response") return false
  const targets = new Set([...directory.values()].flatMap(({ at }) => (at === undefined ? [] : [at.target])))
  return recordsOf(message).some(({ name, type: kind }) => {
    const named = name.toLowerCase()
    return kind === "A" || kind === "AAAA" ? targets.has(named) : named === type || named.endsWith(`.${type}`)
  })
}

/** What is known after the message; without one, what is left when the time of others is over. */
export const hear = (directory: Directory, type: string, message: Message | undefined, now: number): Directory => {
  const all = message?._tag === "Response" ? recordsOf(message) : []
  const next = new Map(directory)
  for (const record of all) {
    if (record.type !== "PTR" || record.name.toLowerCase() !== type) continue
    const name = record.target.toLowerCase()
    if (!name.endsWith(`.${type}`) || !isName(name)) continue
    const known = next.get(name)
    if (record.ttl === 0) next.delete(name)
    else if (known !== undefined) next.set(name, { ...known, until: endOf(record, now) })
    else if (next.size < most.instances) next.set(name, { ...unknown, until: endOf(record, now) })
  }
  for (const record of all) {
    const name = record.name.toLowerCase()
    const known = next.get(name)
    if (known === undefined) continue
    const until = endOf(record, now)
    if (record.type === "SRV" && isPort(record.port) && isName(record.target)) {
      const target = record.target.toLowerCase()
      const isMoved = target !== known.at?.target
      next.set(name, {
        ...known,
        at: { target, port: record.port, until },
        ...(isMoved ? { addresses: new Map() } : {})
      })
    }
    if (record.type === "TXT") {
      next.set(name, { ...known, texts: { strings: record.strings.slice(0, most.texts).map(shortened), until } })
    }
  }
  for (const [name, known] of next) {
    const told = all.flatMap((record) =>
      (record.type === "A" || record.type === "AAAA") && record.name.toLowerCase() === known.at?.target
        ? [[record.address, endOf(record, now)] as const]
        : []
    )
    // Who is told again keeps its place: a host on two networks tells of another address on each.
    const addresses = new Map([...known.addresses, ...told])
    next.set(name, current({ ...known, addresses }, now))
  }
  return new Map([...next].filter(([, { until }]) => until > now))
}

/** Those of which all is known that one needs to call them. */
export const known = (directory: Directory): ReadonlyArray<Found> =>
  [...directory].flatMap(([name, { addresses, at, texts }]) =>
    at === undefined || addresses.size === 0
      ? []
      : [{ name, port: at.port, texts: texts?.strings ?? [], addresses: [...addresses.keys()] }]
  )

/** What is to be asked for, since nobody told it along. */
export const lacking = (directory: Directory): ReadonlyArray<Question> =>
  [...directory].flatMap(([name, { addresses, at }]): ReadonlyArray<Question> => {
    if (at === undefined)
      return [
        { name, type: "SRV" },
        { name, type: "TXT" }
      ]
    return addresses.size === 0
      ? [
          { name: at.target, type: "A" },
          { name: at.target, type: "AAAA" }
        ]
      : []
  })

/** When the time of something is over next. */
export const nextEnd = (directory: Directory, now: number): number | undefined => {
  const ends = [...directory.values()]
    .flatMap(({ addresses, at, texts, until }) => [until, at?.until, texts?.until, ...addresses.values()])
    .filter((end) => end !== undefined && end > now)
  return ends.length === 0 ? undefined : Math.min(...(ends as ReadonlyArray<number>))
}

const unknown = { at: undefined, texts: undefined, addresses: new Map<string, number>() } as const

const current = (instance: Instance, now: number): Instance => {
  const { addresses, at, texts } = instance
  return {
    ...instance,
    at: at === undefined || at.until <= now ? undefined : at,
    texts: texts === undefined || texts.until <= now ? undefined : texts,
    addresses: new Map([...addresses].filter(([, end]) => end > now).slice(0, most.addresses))
  }
}

const recordsOf = (message: Message & { readonly _tag: "Response" }): ReadonlyArray<Record> => [
  ...message.answers.slice(0, mostEntries),
  ...message.additionals.slice(0, mostEntries)
]

/** A record is believed for 75 minutes at most, however long it says. */
const endOf = ({ ttl }: Record, now: number): number =>
  now + (Number.isFinite(ttl) ? Math.min(Math.max(ttl, 0), kept.shared) : 0) * 1000

/** One that can be asked for in turn. Source: RFC 1035 §2.3.4. */
const isName = (name: string): boolean =>
  name.length <= 253 && name.split(".").every((label) => label !== "" && Buffer.byteLength(label) <= 63)
const shortened = (text: string): string => text.slice(0, 255)
const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port <= 65_535
