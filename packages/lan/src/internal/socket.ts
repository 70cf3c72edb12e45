/** One network's multicast DNS, by `multicast-dns`, in our own words. */
import type { Buffer } from "node:buffer"
import makeMdns, { type ResponsePacket } from "multicast-dns"
import type { Heard } from "../Multicast.ts"
import { from, type Message, mostEntries, type Record } from "../Message.ts"

export interface Socket {
  readonly send: (message: Message) => void
  /** Once what was to be sent is on its way: the last word is that something is over. */
  readonly close: () => Promise<void>
  /** It could not be opened, or failed. */
  readonly isBroken: () => boolean
}

type Answer = NonNullable<ResponsePacket["answers"]>[number]

export const open = (address: string, heard: Heard): Socket => {
  let isBroken = false
  // Bound to every address, for on Linux one that is bound to an address hears no multicast.
  const options = { interface: address, bind: "0.0.0.0", reuseAddr: true, loopback: true }
  const mdns = makeMdns(options)
  // The port is taken by a program that shares it with nobody, or the network went away: others are heard all the same.
  mdns.on("error", () => {
    isBroken = true
  })
  mdns.on("warning", () => {})
  mdns.on("query", ({ questions }, { address: sender }) => {
    const asked = (questions ?? []).slice(0, mostEntries).map(({ name, type }) => ({ name, type }))
    heard({ _tag: "Query", questions: asked }, sender)
  })
  mdns.on("response", ({ additionals, answers }, { address: sender }) => {
    heard({ _tag: "Response", answers: recordsOf(answers ?? []), additionals: recordsOf(additionals ?? []) }, sender)
  })
  let underWay = 0
  let left: (() => void) | undefined
  const leaving = () => {
    underWay++
    return () => {
      if (--underWay === 0) left?.()
    }
  }
  return {
    isBroken: () => isBroken,
    send: (told) => {
      const message = from(told, address)
      if (message._tag === "Query") {
        mdns.query({ questions: message.questions.map(({ name, type }) => ({ name, type: type as "PTR" })) }, leaving())
      } else {
        mdns.respond(
          { answers: message.answers.map(toPacket), additionals: message.additionals.map(toPacket) },
          leaving()
        )
      }
    },
    close: () =>
      new Promise((resolve) => {
        const destroy = () => mdns.destroy(() => resolve())
        if (underWay === 0) destroy()
        else left = destroy
      })
  }
}

const toPacket = (record: Record): Answer => {
  const { name, ttl } = record
  switch (record.type) {
    case "PTR":
      return { type: "PTR", name, ttl, data: record.target }
    case "SRV":
      return { type: "SRV", name, ttl, data: { target: record.target, port: record.port } }
    case "TXT":
      return { type: "TXT", name, ttl, data: [...record.strings] }
    case "A":
    case "AAAA":
      return { type: record.type, name, ttl, data: record.address }
  }
}

const recordsOf = (answers: ReadonlyArray<Answer>): ReadonlyArray<Record> =>
  answers.slice(0, mostEntries).flatMap((answer): Array<Record> => {
    if (!("ttl" in answer)) return []
    const { name, ttl = 0 } = answer
    switch (answer.type) {
      case "PTR":
        return [{ type: "PTR", name, ttl, target: answer.data }]
      case "SRV":
        return [{ type: "SRV", name, ttl, target: answer.data.target, port: answer.data.port }]
      case "TXT":
        return [{ type: "TXT", name, ttl, strings: textsOf(answer.data) }]
      case "A":
      case "AAAA":
        return [{ type: answer.type, name, ttl, address: answer.data }]
      default:
        return []
    }
  })

const textsOf = (data: string | Buffer | ReadonlyArray<string | Buffer>): ReadonlyArray<string> =>
  (Array.isArray(data) ? (data as ReadonlyArray<string | Buffer>) : [data as string | Buffer]).map(String)
