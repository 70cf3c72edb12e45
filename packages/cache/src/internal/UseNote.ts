/** The file `used` in the folder of what lies on a drive: when it was last read and how often it was opened. A damaged one is none. */
import { Effect, Option, Schema } from "effect"
import * as path from "node:path"
import type { Use } from "../Lodging.ts"
import { openFile } from "./DiskFile.ts"
import { readSmall } from "./folders.ts"
import type { IoFailure } from "./io.ts"
import { statOf } from "./Notes.ts"

const Note = Schema.Struct({
  /** Epoch milliseconds that a date can have. */
  usedAt: Schema.Natural.check(Schema.isLessThanOrEqualTo(8.64e15)),
  uses: Schema.Natural
})

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Note))

const maxBytes = 256

export const read = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<Use, IoFailure> {
  const bytes = yield* readSmall(folder, "used", maxBytes)
  const note = bytes === undefined ? Option.none() : decode(new TextDecoder().decode(bytes))
  if (Option.isSome(note)) return note.value
  // Never noted: as old as its folder's last change.
  return { usedAt: Math.max(0, Math.floor((yield* statOf(folder))?.mtimeMs ?? 0)), uses: 0 }
})

/** In place: half of it is none. */
export const write = Effect.fnUntraced(function* (folder: string, { usedAt, uses }: Use) {
  const file = yield* openFile(path.join(folder, "used"), "own")
  const bytes = new TextEncoder().encode(JSON.stringify({ usedAt, uses }))
  yield* file.write(bytes, 0)
  if (file.size !== bytes.length) yield* file.truncate(bytes.length)
}, Effect.scoped)
