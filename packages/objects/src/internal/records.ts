/** The file `facts` of a file by its URL: its record. */
import { type IoFailure, io, readSmall } from "@piecework/cache/Disk"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { ObjectFacts } from "../ObjectFacts.ts"
import * as Record from "./Record.ts"

/** `None` when nothing lies there that is a whole record. */
export const readRecord = (folder: string): Effect.Effect<Option.Option<ObjectFacts>, IoFailure> =>
  Effect.map(readSmall(folder, "facts", Record.maxBytes), (bytes) =>
    bytes === undefined ? Option.none() : Record.decode(bytes)
  )

/** In a folder that has none. */
export const writeRecord = (folder: string, facts: ObjectFacts): Effect.Effect<void, IoFailure> =>
  io(() => fs.writeFile(path.join(folder, "facts"), Record.encode(facts), { flag: "wx", mode: 0o600 }))

/** In the place of an older one, whole or not at all; one at a time. */
export const replaceRecord = (folder: string, facts: ObjectFacts): Effect.Effect<void, IoFailure> =>
  io(async () => {
    const draft = path.join(folder, "facts.new")
    // What a kill left, or a link that somebody put there.
    await fs.rm(draft, { force: true })
    await fs.writeFile(draft, Record.encode(facts), { flag: "wx", mode: 0o600 })
    await fs.rename(draft, path.join(folder, "facts"))
  })
