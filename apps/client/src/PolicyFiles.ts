/**
 * The policy files of this device, looked at again and again. One that is not there says nothing. One that became broken goes on
 * saying what it said, and is told of once; a file that was named and is gone counts as broken.
 */
import type { Said } from "@piecework/policy/Policy"
import * as PolicyFile from "@piecework/policy/PolicyFile"
import { Clock, Effect, FileSystem, Option, Result } from "effect"

export interface Place {
  readonly provider: "MachineFile" | "ManagedFile"
  readonly path: string
  /** It has to be there. */
  readonly isNamed: boolean
  /** How it is read. Default as a policy file. */
  readonly parse?: ((text: string) => Result.Result<Said, PolicyFile.Flaw>) | undefined
}

/** What a file said when it was looked at. */
export interface Look {
  /** Tells this file from what it is after a change; `undefined` of one that changed so lately that it may change again unseen. */
  readonly stamp: string | undefined
  readonly text: string | undefined
  /** What it says, or said before it broke. */
  readonly said: Said | undefined
  /** What is wrong with it now. */
  readonly flaw: string | undefined
}

export const nothing: Look = { stamp: undefined, text: undefined, said: undefined, flaw: undefined }

/** Times of files are no finer than this in milliseconds, on the coarsest file systems. */
const coarsest = 2_000

const absent = "absent"

/** The file as it is now; the same value as before where nothing changed. */
export const look = Effect.fnUntraced(function* (
  place: Place,
  before: Look
): Effect.fn.Return<Look, never, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const now = yield* Clock.currentTimeMillis
  const missing = (): Look => {
    if (before.stamp === absent) return before
    return place.isNamed
      ? { ...before, stamp: absent, text: undefined, flaw: "it is not there" }
      : { ...nothing, stamp: absent }
  }
  const read = Effect.gen(function* () {
    const { ino, mtime, size, type } = yield* fs.stat(place.path)
    const at = Option.match(mtime, { onNone: () => 0, onSome: (date) => date.getTime() })
    const stamp = `${type} ${at} ${size} ${Option.getOrElse(ino, () => 0)}`
    if (stamp === before.stamp) return before
    const settled = Math.abs(now - at) > coarsest ? stamp : undefined
    if (type !== "File") return { ...before, stamp: settled, text: undefined, flaw: "it is no file" }
    if (Number(size) > PolicyFile.maxLength) return { ...before, stamp: settled, text: undefined, flaw: tooLong }
    const text = yield* fs.readFileString(place.path)
    if (text === before.text) return { ...before, stamp: settled }
    const parsed = place.parse?.(text) ?? PolicyFile.parse(place.provider, text)
    return Result.isSuccess(parsed)
      ? { stamp: settled, text, said: parsed.success, flaw: undefined }
      : { ...before, stamp: settled, text, flaw: flaws[parsed.failure] }
  })
  return yield* Effect.catch(read, (error) =>
    Effect.succeed(
      error.reason._tag === "NotFound" ? missing() : { ...before, stamp: undefined, text: undefined, flaw: unreadable }
    )
  )
})

const tooLong = "it is too long"
const unreadable = "it cannot be read"

const flaws: { readonly [F in PolicyFile.Flaw]: string } = {
  TooLong: tooLong,
  NoJson: "it is no JSON",
  NoObject: "it is no JSON object"
}
