/** A BitTorrent tracker for one swarm on loopback: who announces learns of the others. Source: BEP 3, BEP 23. */
import { Effect, Schema, type Scope } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Bencode from "./Bencode.ts"

/** Who is in the swarm: port by peer id. */
export type Members = ReadonlyMap<string, number>

/** How often members announce again. */
const intervalSeconds = 30

/** Most members that are remembered. */
const mostMembers = 100

/** Reads one announce, given the query of its URL; answers its reply and the members after it. */
export const announce = (members: Members, query: string): readonly [Uint8Array, Members] => {
  // Peer ids are bytes, percent-encoded; what is decoded here is only compared.
  const fields = new Map(
    query.split("&").map((field): [string, string] => {
      const [name = "", value = ""] = field.split("=", 2)
      return [name, value]
    })
  )
  const [id, port] = [fields.get("peer_id"), Number(fields.get("port"))]
  if (id === undefined || id === "" || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return [Bencode.encode({ "failure reason": "an announce wants a peer_id and a port" }), members]
  }
  const others = [...members].filter(([other]) => other !== id)
  const left = fields.get("event") === "stopped"
  const next = new Map(left ? others : [...others, [id, port] as const].slice(-mostMembers))
  const peers = left ? [] : others.map(([, otherPort]) => Buffer.of(127, 0, 0, 1, otherPort >> 8, otherPort & 0xff))
  return [Bencode.encode({ interval: intervalSeconds, peers: Buffer.concat(peers) }), next]
}

/** The tracker cannot listen. */
export class TrackerError extends Schema.TaggedError<TrackerError>()("TrackerError", { cause: Schema.Defect() }) {
  override get message(): string {
    return "The bench's BitTorrent tracker cannot listen on 127.0.0.1."
  }
}

export interface Tracker {
  /** What goes into the .torrent file. */
  readonly url: string
  readonly members: () => Members
}

/** Listens on any port of 127.0.0.1 until the scope closes. */
export const serve: Effect.Effect<Tracker, TrackerError, Scope.Scope> = Effect.gen(function* () {
  let members: Members = new Map()
  const server = createServer((request, response) => {
    const [reply, next] = announce(members, request.url?.split("?")[1] ?? "")
    members = next
    response.writeHead(200, { "content-type": "text/plain", "content-length": reply.length }).end(reply)
  })
  yield* Effect.acquireRelease(
    Effect.callback<void, TrackerError>((resume) => {
      server.once("error", (cause) => resume(Effect.fail(new TrackerError({ cause }))))
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`, members: () => members }
})
