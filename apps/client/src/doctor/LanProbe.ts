/** Whether multicast DNS comes through: a question that nobody answers is sent, and has to come back to this device; then neighbours are counted. */
import { randomBytes } from "node:crypto"
import { networkInterfaces } from "node:os"
import { Multicast } from "@piecework/lan/Multicast"
import * as Names from "@piecework/lan/Names"
import type * as Findings from "@piecework/doctor/Findings"
import { Effect, type Scope } from "effect"

/** Between two questions, and how many there are: a socket may not be open when the first is sent. */
const pause = "250 millis"
const mostQuestions = 8
/** Answers may be delayed by chance for so long, and a little. Source: RFC 6762 §6. */
const answersWithin = "300 millis"
/** Most senders that are told apart. */
const mostSenders = 1000

export const look = Effect.fn("LanProbe.look")(function* (
  isUsed: boolean
): Effect.fn.Return<Findings.Lan, never, Multicast | Scope.Scope> {
  const multicast = yield* Multicast
  const own = new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)))
  const name = `doctor-${randomBytes(8).toString("hex")}.${Names.service}`
  const senders = new Set<string>()
  const heard = { own: false }
  yield* multicast.listen((message, from) => {
    if (message._tag === "Query") {
      if (own.has(from) && message.questions.some((question) => question.name === name)) heard.own = true
      return
    }
    const isOurs = message.answers.some((record) => record.type === "PTR" && types.has(record.name.toLowerCase()))
    if (isOurs && !own.has(from) && senders.size < mostSenders) senders.add(from)
  })
  const questions = [name, ...types].map((asked) => ({ name: asked, type: "PTR" }))
  for (let i = 0; i < mostQuestions && !heard.own; i++) {
    yield* multicast.send({ _tag: "Query", questions })
    yield* Effect.sleep(pause)
  }
  if (heard.own) yield* Effect.sleep(answersWithin)
  return { isUsed, isHeard: heard.own, neighbours: senders.size }
}, Effect.scoped)

const types: ReadonlySet<string> = new Set([Names.service, Names.cacheServer])
