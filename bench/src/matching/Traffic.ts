/**
 * What the members of the matching contest say, as bytes that are ready to be sent: a join of the Array role, or an
 * announce of BitTorrent over HTTP (BEP 3, BEP 23). Both have the same members in the same swarms. Pure.
 */

export type Dialect = "piecework" | "bittorrent"

export interface Population {
  readonly members: number
  readonly swarms: number
  /** Peers that each message asks for. */
  readonly wanted: number
}

/** Why a member speaks: it is new, it is still there, or it has got everything meanwhile. */
export type Word = "Started" | "Periodic" | "Completed"

export const messageOf = (dialect: Dialect, population: Population, member: number, word: Word, host: string): Buffer =>
  dialect === "piecework" ? join(population, member, word, host) : announce(population, member, word, host)

/** 20 bytes that name a swarm to a BitTorrent tracker. */
export const infoHash = (swarm: number): Buffer => Buffer.from(swarm.toString(16).padStart(40, "0"), "hex")

/** Bytes of the addresses that a tracker's compact reply has. */
export const compactLength = 6

/** How many peers an answer names. */
export const peersIn = (dialect: Dialect, body: string): number => {
  if (dialect === "piecework") return body.split('"kind":').length - 1
  const length = Number(/5:peers(\d+):/.exec(body)?.[1] ?? Number.NaN)
  return length / compactLength
}

/** As a client sends it that downloads from an address of its own network. */
const join = ({ swarms, wanted }: Population, member: number, word: Word, host: string): Buffer => {
  const payload = {
    contentId: `DO-${(member % swarms).toString(36).padStart(43, "A")}`,
    altCatalogId: `http://origin.example/contents/${member % swarms}/image.bin`,
    peerId: member.toString(16).padStart(32, "a") + "00000000",
    reportedIp: `10.${(member >> 16) & 0xff}.${(member >> 8) & 0xff}.${member & 0xff}`,
    port: 7680,
    isBackground: false,
    dialect: { major: 1, minor: 0, build: 0, revision: 0 },
    uploaded: 0,
    downloaded: 0,
    downloadedCdn: 0,
    downloadedCache: 0,
    left: word === "Completed" ? 0 : 1_073_741_824,
    event: word,
    restrictedUpload: false,
    peersWanted: wanted,
    scope: "Lan",
    restriction: "None",
    uploadedBps: 0,
    downloadedBps: 0,
    profile: 768,
    seq: 0
  }
  const body = JSON.stringify({ _tag: "Request", id: "1", tag: "Join", payload, headers: [] })
  const head = `POST /rpc/array HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
  return Buffer.from(head + body, "latin1")
}

const announce = ({ swarms, wanted }: Population, member: number, word: Word, host: string): Buffer => {
  const query = [
    `info_hash=${percent(infoHash(member % swarms))}`,
    `peer_id=${percent(Buffer.from(member.toString(16).padStart(40, "a"), "hex"))}`,
    // A tracker may know its peers by address and port alone.
    `port=${1024 + (Math.floor(member / swarms) % 64_512)}`,
    "uploaded=0",
    "downloaded=0",
    `left=${word === "Completed" ? 0 : 1_073_741_824}`,
    `compact=1`,
    `numwant=${wanted}`,
    ...(word === "Periodic" ? [] : [`event=${word.toLowerCase()}`])
  ]
  return Buffer.from(`GET /announce?${query.join("&")} HTTP/1.1\r\nhost: ${host}\r\n\r\n`, "latin1")
}

const percent = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")
