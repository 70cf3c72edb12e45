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

/** Names this process as an owner, each time another way. */
export const owner = (): string => `${process.pid}.${host}.${boot}.${life}-${taken++}`

/** A name for a folder of this key that nobody else gives. */
export const ownName = (key: PartialKey): string => `${key}.${owner()}`

const pattern = /^([0-9a-f]{64})(?:\.(.+))?$/
const ownerPattern = /^(\d{1,10})\.([0-9a-f]{8})\.([0-9a-f]{8})\.([0-9a-f]{8})-\d{1,10}$/

/** The key that a folder's name begins with. */
export const keyOf = (name: string): PartialKey | undefined => pattern.exec(name)?.[1] as PartialKey | undefined

/**
 * Whether the folder of that name is one of the key's that can be taken: "Free", "Taken", or "AskTime" when only
 * silence could tell. `undefined`: it is no folder of this key.
 */
export const stateOf = (key: PartialKey, name: string): "Free" | "Taken" | "AskTime" | undefined => {
  const [, itsKey, itsOwner] = pattern.exec(name) ?? []
  if (itsKey !== key) return undefined
  return itsOwner === undefined ? "Free" : stateOfOwner(itsOwner)
}

/** The same of an owner's name alone: "Free" when that owner is gone. `undefined`: it is no such name. */
export const stateOfOwner = (name: string): "Free" | "Taken" | "AskTime" | undefined => {
  const [, itsPid, itsHost, itsBoot, itsLife] = ownerPattern.exec(name) ?? []
  if (itsPid === undefined) return undefined
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
