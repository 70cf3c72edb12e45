/**
 * The last orders of the service, kept in the state folder: a cache server that starts while its service is away does what it was told,
 * and one that was switched off stays so. A file that cannot be read says nothing; the next heartbeat says all of it again.
 */
import { randomBytes } from "node:crypto"
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { NodeId, NodeName, NodeWork } from "@piecework/cloud/CacheNode"
import { originOf } from "@piecework/cloud/ServiceUrl"
import { Effect, Option, Schema } from "effect"
import type { Orders } from "./Orders.ts"

class Kept extends Schema.Class<Kept>("@piecework/cache-server/Kept")({
  /** Origin of the service. */
  service: Schema.String,
  node: NodeId,
  name: NodeName,
  isEnabled: Schema.Boolean,
  work: NodeWork
}) {}

const Stored = Schema.fromJsonString(Kept)

/** Longest file that is read, in bytes: settings with every list at its longest have less. */
const longest = 262_144

const fileIn = (root: string): string => join(root, "node.json")

export interface Remembered {
  readonly node: NodeId
  readonly orders: Orders
}

/** What this service said last. */
export const read = Effect.fn("OrdersFile.read")(function* (
  root: string,
  service: string
): Effect.fn.Return<Option.Option<Remembered>> {
  const text = yield* Effect.option(
    Effect.tryPromise(async () => {
      const { size } = await stat(fileIn(root))
      return size > longest ? "" : await readFile(fileIn(root), "utf8")
    })
  )
  return text.pipe(
    Option.flatMap(Schema.decodeUnknownOption(Stored)),
    Option.filter((kept) => kept.service === originOf(service)),
    Option.map(({ isEnabled, name, node, work }) => ({ node, orders: { isEnabled, name, work } }))
  )
})

/** A reader sees the old file or the new one. */
export const write = Effect.fn("OrdersFile.write")(function* (
  root: string,
  service: string,
  { node, orders: { isEnabled, name, work } }: Remembered & { readonly orders: { readonly name: string } }
): Effect.fn.Return<void> {
  const draft = `${fileIn(root)}.${randomBytes(4).toString("hex")}`
  const text = Schema.encodeSync(Stored)(
    new Kept({ service: originOf(service) ?? service, node, name, isEnabled, work })
  )
  yield* Effect.tryPromise(() => writeFile(draft, text, { mode: 0o600 })).pipe(
    Effect.andThen(Effect.tryPromise(() => rename(draft, fileIn(root)))),
    Effect.tapError(() => Effect.promise(() => rm(draft, { force: true }))),
    // The next start is without it until the service answers, and no worse.
    Effect.catch((error) => Effect.logWarning("What the service said could not be kept.", String(error.cause)))
  )
})
