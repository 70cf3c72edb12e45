/**
 * Which user of this machine is at the other end of a connection over the loopback. The jobs write files with the rights of the agent, so
 * whoever may give it jobs has them, too. Linux keeps the user beside each socket; elsewhere nobody can tell.
 */
import { readFileSync } from "node:fs"
import { isIPv4 } from "node:net"

export interface Ends {
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

/**
 * The user's number; `undefined` when it cannot be told. To be asked when a connection comes, as it is looked for among those
 * that are open at both ends: one that its program has left counts as nobody's, and the system shows it as root's.
 */
export const of = (ends: Ends): number | undefined => {
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = read(table)
    const user = text === undefined ? undefined : find(text, ends)
    if (user !== undefined) return user
  }
  return undefined
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    // Not Linux, or no such protocol.
    return undefined
  }
}

const established = "01"

/** The user of the other end's socket in a table of the system's. Source: Linux, Documentation/networking/proc_net_tcp.rst. */
export const find = (table: string, ends: Ends): number | undefined => {
  const here = forms(ends.localAddress, ends.localPort)
  const there = forms(ends.remoteAddress, ends.remotePort)
  for (const line of table.split("\n")) {
    const [, local = "", remote = "", state, , , , user = "", , inode] = line.trim().split(/\s+/)
    if (state !== established || inode === "0" || !there.includes(local) || !here.includes(remote)) continue
    return /^\d+$/.test(user) ? Number(user) : undefined
  }
  return undefined
}

/** The ways in which the tables may write it: an IPv4 address has one in the table of IPv6, too. */
const forms = (address: string | undefined, port: number | undefined): ReadonlyArray<string> => {
  if (address === undefined || port === undefined) return []
  const at = port.toString(16).toUpperCase().padStart(4, "0")
  const plain = address.replace(/^::ffff:/i, "")
  if (isIPv4(plain)) {
    const word = reversed(plain.split(".").map(Number))
    return [`${word}:${at}`, `${"0".repeat(16)}FFFF0000${word}:${at}`]
  }
  return address === "::1" ? [`${"0".repeat(24)}01000000:${at}`] : []
}

/** Four bytes as a number of this machine, which has the lowest first as all that Node runs on. */
const reversed = (bytes: ReadonlyArray<number>): string =>
  bytes
    .toReversed()
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"))
    .join("")
