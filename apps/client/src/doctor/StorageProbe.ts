/** Folders, files and room of what this device keeps. A folder is tried by a file of some bytes that is gone a moment later. */
import { randomBytes } from "node:crypto"
import { open, readFile, rm, stat, statfs } from "node:fs/promises"
import { join } from "node:path"
import { termsOf } from "@piecework/cache/CacheRules"
import * as Enrolment from "@piecework/device/Enrolment"
import { placesIn } from "@piecework/device/StateFolder"
import type * as Findings from "@piecework/doctor/Findings"
import { DeviceId } from "@piecework/domain/Peer"
import { Records } from "@piecework/download"
import { Host } from "@piecework/host/Host"
import type { Policy } from "@piecework/policy/Policy"
import { Effect, Option, Result, Schema } from "effect"
import * as CachePlace from "../CachePlace.ts"

export interface Question {
  readonly root: string
  readonly service: string | undefined
  readonly policy: Policy
}

export const look = Effect.fn("StorageProbe.look")(function* ({ policy, root, service }: Question) {
  const place = yield* Effect.result(CachePlace.named(policy))
  const drive = Result.isFailure(place) ? place.failure.message : undefined
  const cache = Result.isSuccess(place) ? (place.success ?? placesIn(root).cache) : placesIn(root).cache
  const [state, cacheFolder, damaged, disks] = yield* Effect.all(
    [
      folder(root),
      folder(cache),
      damagedIn(root, service),
      Effect.all([diskOf("state", root, policy), diskOf("cache", cache, policy)])
    ],
    { concurrency: "unbounded" }
  )
  const found: Findings.Storage = {
    state,
    cache: cacheFolder,
    drive,
    disks: disks.flatMap((disk) => (disk === undefined ? [] : [disk])),
    damaged
  }
  return { found, cache }
})

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : "EIO"

const folder = (path: string): Effect.Effect<Findings.Folder> =>
  Effect.map(
    Effect.promise(() => stateOf(path)),
    ([is, detail]) => ({ path, is, detail })
  )

const stateOf = async (path: string): Promise<readonly [is: Findings.Folder["is"], detail: string | undefined]> => {
  try {
    const info = await stat(path)
    if (!info.isDirectory()) return ["NoFolder", undefined]
    const tried = await attempt(path)
    switch (tried) {
      case undefined:
        return ["Usable", undefined]
      case "EROFS":
        return ["ReadOnly", tried]
      case "ENOSPC":
      case "EDQUOT":
        return ["Full", tried]
      case "EACCES":
      case "EPERM":
        return [info.uid === process.getuid?.() ? "Denied" : "Foreign", tried]
      default:
        return ["Broken", tried]
    }
  } catch (cause) {
    const code = codeOf(cause)
    if (code === "ENOENT") return ["Missing", undefined]
    return [code === "ENOTDIR" ? "NoFolder" : code === "EACCES" ? "Foreign" : "Broken", code]
  }
}

/** Why no file can be written there; nothing when one can. */
const attempt = async (path: string): Promise<string | undefined> => {
  const file = join(path, `.doctor-${randomBytes(6).toString("hex")}`)
  try {
    const handle = await open(file, "wx", 0o600)
    try {
      await handle.write(Buffer.alloc(4096, 1))
    } finally {
      await handle.close()
    }
    return undefined
  } catch (cause) {
    return codeOf(cause)
  } finally {
    await rm(file, { force: true }).catch(() => undefined)
  }
}

const isDeviceId = Schema.is(DeviceId)

const damagedIn = Effect.fnUntraced(function* (root: string, service: string | undefined) {
  const damaged: Array<{ readonly what: string; readonly why: string }> = []
  const device = yield* Effect.promise(() =>
    readFile(join(root, "device"), "utf8").then(
      (text) => (isDeviceId(text.trim()) ? undefined : "does not say who this device is"),
      (cause: unknown) => (codeOf(cause) === "ENOENT" ? undefined : `cannot be read (${codeOf(cause)})`)
    )
  )
  if (device !== undefined) damaged.push({ what: join(root, "device"), why: device })
  if (service !== undefined) {
    const enrolment = yield* Effect.result(Enrolment.load(root, service))
    if (Result.isFailure(enrolment)) {
      const { file, reason } = enrolment.failure
      damaged.push({ what: file, why: reason === "Damaged" ? "is damaged" : "cannot be read" })
    }
  }
  const records = yield* Effect.option(
    Effect.provide(
      Records.Records.use(({ list }) => list),
      Records.Records.layer(placesIn(root).records)
    )
  )
  const unread = Option.match(records, { onNone: () => 0, onSome: ({ damaged: n }) => n })
  if (unread > 0) {
    damaged.push({ what: `${unread} of the records in ${placesIn(root).records}`, why: "cannot be understood" })
  }
  return damaged
})

const diskOf = Effect.fnUntraced(function* (
  holds: Findings.Disk["holds"],
  path: string,
  policy: Policy
): Effect.fn.Return<Findings.Disk | undefined, never, Host> {
  const space = yield* (yield* Host).space(path)
  if (space === undefined) return undefined
  const { ffree, files } = yield* Effect.promise(() => statfs(path).catch(() => ({ files: 0, ffree: 0 })))
  return {
    holds,
    total: space.total,
    free: space.free,
    leastFree: termsOf(policy, space.total).leastFree,
    filesFree: files === 0 ? undefined : ffree
  }
})
