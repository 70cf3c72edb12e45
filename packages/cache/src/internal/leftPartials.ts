/** The partial files of Simple mode as the rules see them: what interrupted downloads left, and what is being fetched. */
import { Clock, Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { Kept } from "../CacheRules.ts"
import * as claims from "./claims.ts"
import { removeFolder } from "./folders.ts"
import { type IoFailure, io, unless } from "./io.ts"
import * as names from "./names.ts"
import { bytesOf, statOf } from "./Notes.ts"

export interface LeftPartial extends Kept {
  /** Its folder's name. */
  readonly partial: string
}

export const list = Effect.fnUntraced(function* (
  root: string
): Effect.fn.Return<ReadonlyArray<LeftPartial>, IoFailure> {
  const shelf = path.join(root, names.partialsFolder)
  const now = yield* Clock.currentTimeMillis
  const found: Array<LeftPartial> = []
  for (const name of yield* io(() => fs.readdir(shelf)).pipe(unless(["ENOENT", "ENOTDIR"], []))) {
    const key = claims.keyOf(name)
    const state = key === undefined ? undefined : claims.stateOf(key, name)
    const folder = yield* statOf(path.join(shelf, name))
    if (state === undefined || folder?.isDirectory() !== true) continue
    const data = yield* statOf(path.join(shelf, name, "data"))
    const usedAt = Math.max(folder.mtimeMs, data?.mtimeMs ?? 0)
    found.push({
      partial: name,
      bytes: data?.isFile() === true ? bytesOf(data) : 0,
      contentSize: undefined,
      isComplete: false,
      completedAt: usedAt,
      usedAt,
      isInUse: state === "Taken" || (state === "AskTime" && now - usedAt <= claims.silenceLimit),
      isPinned: false,
      expiresAt: undefined,
      policy: {}
    })
  }
  return found
})

/** Takes it as one who goes on with it would, which only one can, and deletes it. */
export const remove = (root: string, name: string): Effect.Effect<void, IoFailure> =>
  Effect.suspend(() => {
    const key = claims.keyOf(name)
    if (key === undefined) return Effect.void
    const shelf = path.join(root, names.partialsFolder)
    const own = path.join(shelf, claims.ownName(key))
    return io(() => fs.rename(path.join(shelf, name), own)).pipe(
      Effect.andThen(removeFolder(own)),
      unless(["ENOENT"], undefined)
    )
  })
