/** What a device tells its network, and what it makes of what others tell. Pure: messages in, messages and sightings out. */
import type { Digest } from "@piecework/domain/Digest"
import type { PeerId } from "@piecework/domain/Peer"
import { type Message, mostEntries, namesIn, type Question, type Record } from "./Message.ts"
import * as Names from "./Names.ts"

/** That a device has a content, or parts of it. */
export interface Presence {
  /** The hash of hashes. */
  readonly swarm: Digest
  readonly peer: PeerId
  /** Where it takes connections. */
  readonly port: number
  readonly groupId: string | undefined
}

/** Seconds for which others may keep what they heard. Source: RFC 6762 §10: 75 minutes, and 2 for what names a host. */
const kept = { shared: 4500, host: 120 } as const

/** The records that tell of a presence; `isOver` takes them back. */
export const records = (presence: Presence, options?: { readonly isOver?: boolean }): Answer => {
  const { groupId, peer, port, swarm } = presence
  const name = Names.instance(peer)
  const ttl = options?.isOver === true ? 0 : kept.shared
  return {
    answers: [{ type: "PTR", name: Names.subtype(swarm), ttl, target: name }],
    additionals:
      ttl === 0
        ? []
        : [
            { type: "PTR", name: Names.service, ttl, target: name },
            { type: "SRV", name, ttl: kept.host, target: Names.hostname(peer), port },
            {
              type: "TXT",
              name,
              ttl,
              strings: ["v=1", ...(groupId === undefined ? [] : [`g=${Names.groupTag(groupId)}`])]
            }
          ]
  }
}

export interface Answer {
  readonly answers: ReadonlyArray<Record>
  readonly additionals: ReadonlyArray<Record>
}

/** Which of the presences a query asks for. */
export const asked = (
  questions: ReadonlyArray<Question>,
  presences: ReadonlyArray<Presence>
): ReadonlyArray<Presence> => {
  const names = namesIn(questions)
  return presences.filter((presence) => isAsked(presence, names))
}

export const isAsked = ({ peer, swarm }: Presence, names: ReadonlySet<string>): boolean =>
  [Names.subtype(swarm), Names.service, Names.instance(peer)].some((name) => names.has(name))

const unique = (all: ReadonlyArray<Record>) => [...new Map(all.map((one) => [JSON.stringify(one), one])).values()]

/** All answers in one message, without saying anything twice. */
export const together = (answers: ReadonlyArray<Answer>): Message => {
  return {
    _tag: "Response",
    answers: unique(answers.flatMap((one) => one.answers)),
    additionals: unique(answers.flatMap((one) => one.additionals))
  }
}

/** A device that said it has a content. */
export interface Sighting {
  readonly peer: PeerId
  readonly port: number
  /** As `Names.groupTag` makes it; `undefined` when it is in none. */
  readonly group: string | undefined
}

/** Those that a response tells of for the content. One without its port tells nothing of use. */
export const sightings = (message: Message, swarm: Digest): ReadonlyArray<Sighting> => {
  if (message._tag !== "Response") return []
  const all = [...message.answers.slice(0, mostEntries), ...message.additionals.slice(0, mostEntries)]
  const wanted = Names.subtype(swarm)
  const found: Array<Sighting> = []
  for (const pointer of all) {
    if (pointer.type !== "PTR" || pointer.ttl === 0 || pointer.name.toLowerCase() !== wanted) continue
    const peer = Names.peerOf(pointer.target)
    const target = pointer.target.toLowerCase()
    const service = all.find((one) => one.type === "SRV" && one.name.toLowerCase() === target)
    if (peer === undefined || service?.type !== "SRV" || !isPort(service.port)) continue
    const texts = all.find((one) => one.type === "TXT" && one.name.toLowerCase() === target)
    const group = texts?.type === "TXT" ? texts.strings.find((text) => text.startsWith("g="))?.slice(2) : undefined
    found.push({ peer, port: service.port, group })
  }
  return found
}

const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port <= 65_535
