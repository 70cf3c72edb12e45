/**
 * How calls go over the socket: Effect's RPC as lines of JSON. A connection whose first byte is a brace carries calls; another one asks for
 * bytes (`ByteFrames`). The agent's side takes nothing that is not bounded: lines, calls under way, the names of both.
 */
import { Predicate } from "effect"
import { RpcSerialization } from "effect/rpc"

/** Code of `{`. */
export const firstOfCalls = 0x7b

/** UTF-16 units of a line from a program: all that `JobOptions` may have, and room. */
export const longestLine = 524_288

/** Calls under way on one connection. */
export const mostCalls = 64

/** What a program reads: as long as the list of all jobs can be. */
export const ofProgram: RpcSerialization.RpcSerialization["Service"] = RpcSerialization.makeNdjson({
  maxBufferSize: 67_108_864
})

const lines = RpcSerialization.makeNdjson({ maxBufferSize: longestLine })

/** What an agent reads. Whoever sends what makes no sense is disconnected: RpcServer does so for one kind of error. */
export const ofAgent: RpcSerialization.RpcSerialization["Service"] = {
  ...lines,
  makeUnsafe: () => {
    const parser = lines.makeUnsafe()
    const open = new Set<unknown>()
    return {
      decode: (data) => {
        let messages: ReadonlyArray<unknown>
        try {
          messages = parser.decode(data)
        } catch {
          return refuse()
        }
        for (const message of messages) {
          if (!isMessage(message)) return refuse()
          if (message._tag !== "Request") continue
          if (open.has(message.id) || open.size >= mostCalls) return refuse()
          open.add(message.id)
        }
        return messages
      },
      encode: (response) => {
        if (Predicate.isTagged(response, "Exit") && "requestId" in response) open.delete(response.requestId)
        return parser.encode(response)
      }
    }
  }
}

const refuse = (): never => {
  throw new RpcSerialization.MaxBufferSizeExceeded({ maxBufferSize: longestLine })
}

interface Message {
  readonly _tag: string
  readonly id?: unknown
}

const isName = (value: unknown): boolean =>
  typeof value === "number" || (typeof value === "string" && value.length <= 64)

/** One of those that a program sends. A notification would not be answered, so nobody would count it. */
const isMessage = (message: unknown): message is Message => {
  if (!Predicate.isObject(message) || !("_tag" in message)) return false
  switch (message._tag) {
    case "Request":
      return (
        "id" in message &&
        isName(message.id) &&
        "tag" in message &&
        typeof message.tag === "string" &&
        "headers" in message &&
        Array.isArray(message.headers) &&
        message.headers.length <= 16 &&
        !("isNotification" in message && message.isNotification === true) &&
        !("discard" in message && message.discard === true)
      )
    case "Ack":
    case "Interrupt":
      return "requestId" in message && isName(message.requestId)
    case "Ping":
    case "Eof":
      return true
    default:
      return false
  }
}
