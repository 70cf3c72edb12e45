/**
 * A peer as the JSON that a handout has of it, up to its kind: `{"id":"…","address":{"host":"…","port":7680},"kind":"`. A
 * member keeps this one text in place of its id, address and port: an answer is then put together from texts that are
 * there, and what else is asked of a member is read out of it. All of it is ASCII, and nothing in it needs an escape: an id
 * is 40 hex digits, a host what `NetAddress` formats.
 */
import type { PeerId } from "@piecework/domain/Peer"

export const make = (id: PeerId, host: string, port: number): string =>
  flat(`${idBehind}${id}${hostBehind}${host}${portBehind}${port}${end}`)

export const idOf = (json: string): PeerId => json.slice(idAt, idAt + idLength) as PeerId

export const hostOf = (json: string): string => json.slice(hostAt, json.indexOf('"', hostAt))

export const portOf = (json: string): number =>
  Number(json.slice(json.indexOf('"', hostAt) + portBehind.length, -end.length))

/** The same peer at another address, its port being the same. */
export const elsewhere = (json: string, host: string): string =>
  json.slice(0, hostAt) + host + json.slice(json.indexOf('"', hostAt))

/** Whether this is how a peer at that address is told; looked at in place. */
export const isAt = (json: string, host: string, port: number): boolean =>
  json.startsWith(host, hostAt) && json.endsWith(`${portBehind}${port}${end}`) && json.length === lengthOf(host, port)

const lengthOf = (host: string, port: number): number =>
  hostAt +
  host.length +
  portBehind.length +
  (port < 10 ? 1 : port < 100 ? 2 : port < 1000 ? 3 : port < 10_000 ? 4 : 5) +
  end.length

const idBehind = '{"id":"'
const hostBehind = '","address":{"host":"'
const portBehind = '","port":'
const end = '},"kind":"'
const idLength = 40
const idAt = idBehind.length
const hostAt = idAt + idLength + hostBehind.length

/**
 * The same text in one piece. V8 keeps a text that was put together as a tree of its parts, which takes three times as much
 * for as long as it lives.
 */
const flat = (text: string): string => {
  const buffer = text.length <= scratch.length ? scratch : Buffer.allocUnsafe(text.length)
  return buffer.toString("latin1", 0, buffer.write(text, "latin1"))
}

const scratch = Buffer.allocUnsafeSlow(512)
