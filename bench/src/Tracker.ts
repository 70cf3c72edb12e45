/** A BitTorrent tracker for one swarm over IPv4: who announces learns of the others. Source: BEP 3, BEP 23. */
import { Effect, Schema } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Bencode from "./Bencode.ts"

/** Who is in the swarm, by peer id. */
export type Members = ReadonlyMap<string, Member>

export interface Member {
  /** The IPv4 address that it announced from. */
  readonly host: string
  readonly port: number
  /** Bytes that it has yet to get, as it says; NaN when it does not say. */
  readonly left: number
}

/** How often members announce again. */
const intervalSeconds = 30

/** Most members that are remembered. */
const mostMembers = 250

/** Reads one announce, given the query of its URL and who sent it; answers its reply and the members after it. */
export const announce = (members: Members, query: string, host: string): readonly [Uint8Array, Members] => {
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
  const stops = fields.get("event") === "stopped"
  const next = new Map(
    stops ? others : [...others, [id, { host, port, left: Number(fields.get("left")) }] as const].slice(-mostMembers)
  )
  const peers = stops ? [] : others.map(([, other]) => compact(other))
  return [Bencode.encode({ interval: intervalSeconds, peers: Buffer.concat(peers) }), next]
}

/** Four bytes and two. */
const compact = ({ host, port }: Member): Uint8Array =>
  Buffer.of(...host.split(".").map(Number), port >> 8, port & 0xff)

/** The tracker cannot listen. */
export class TrackerError extends Schema.TaggedError<TrackerError>()("TrackerError", {
  host: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The bench's BitTorrent tracker cannot listen on ${this.host}.`
  }
}

export interface Tracker {
  /** What goes into the .torrent file. */
  readonly url: string
  readonly members: () => Members
}

/** Listens until the scope closes; by default on any port of loopback. */
export const serve = Effect.fnUntraced(function* (at: { readonly host: string; readonly port: number } = loopback) {
  let members: Members = new Map()
  const server = createServer((request, response) => {
    const from = (request.socket.remoteAddress ?? at.host).replace(/^::ffff:/, "")
    const [reply, next] = announce(members, request.url?.split("?")[1] ?? "", from)
    members = next
    response.writeHead(200, { "content-type": "text/plain", "content-length": reply.length }).end(reply)
  })
  yield* Effect.acquireRelease(
    Effect.callback<void, TrackerError>((resume) => {
      server.once("error", (cause) => resume(Effect.fail(new TrackerError({ host: at.host, cause }))))
      server.listen(at.port, at.host, () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const { port } = server.address() as AddressInfo
  const tracker: Tracker = { url: `http://${at.host}:${port}/announce`, members: () => members }
  return tracker
})

const loopback = { host: "127.0.0.1", port: 0 }
