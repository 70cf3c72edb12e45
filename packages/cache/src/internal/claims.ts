/**
 * Who may use the folder of a partial file. At rest it is called after its key; whoever takes it renames it to
 * `<key>.<pid>.<host>.<boot>.<life>`, which only one can do, and renames it back when done. A folder whose owner
 * died keeps that name, and is taken once its name proves that the owner is gone.
 *
 * There are no other locks in Node that end with their process. One process is taken to use a cache from one thread.
 */
import { createHash, randomBytes } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"
import type { PartialKey } from "../PartialFile.ts"

/** Time without a write after which the owner on a host that cannot be asked counts as gone: 10 minutes, in ms. */
export const silenceLimit = 600_000

const digest8 = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8)

/** What `read` says; empty where the system has no such thing, which then tells nothing apart. */
const whereKnown = (read: () => string): string => {
  try {
    return read()
  } catch {
    return ""
  }
}

// Process ids mean something within one space of them: a container has its own, even under the name of its host.
const host = digest8(hostname() + whereKnown(() => readlinkSync("/proc/self/ns/pid")))
const boot = digest8(whereKnown(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8")))
/** Tells this process from an earlier one that had its id. */
const life = randomBytes(4).toString("hex")

let taken = 0

/** A name for a folder of this key that nobody else gives. */
export const ownName = (key: PartialKey): string => `${key}.${process.pid}.${host}.${boot}.${life}-${taken++}`

const pattern = /^([0-9a-f]{64})(?:\.(\d{1,10})\.([0-9a-f]{8})\.([0-9a-f]{8})\.([0-9a-f]{8})-\d{1,10})?$/

/**
 * Whether the folder of that name is one of the key's that can be taken: "Free", "Taken", or "AskTime" when only
 * silence could tell. `undefined`: it is no folder of this key.
 */
export const stateOf = (key: PartialKey, name: string): "Free" | "Taken" | "AskTime" | undefined => {
  const [, itsKey, itsPid, itsHost, itsBoot, itsLife] = pattern.exec(name) ?? []
  if (itsKey !== key) return undefined
  if (itsPid === undefined) return "Free"
  if (itsHost !== host) return "AskTime"
  if (itsBoot !== boot) return "Free"
  if (itsLife === life) return "Taken"
  return Number(itsPid) === process.pid || !isAlive(Number(itsPid)) ? "Free" : "Taken"
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // It lives, and belongs to another user.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
}
