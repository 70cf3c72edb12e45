/** A process that copies what lies in one cache folder to another until it is killed; says when it begins. */
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Effect } from "effect"
import * as CacheMove from "@piecework/cache/CacheMove"

const [, , from = "", to = ""] = process.argv
process.stdout.write("moving\n")
await Effect.runPromise(Effect.provide(CacheMove.copy({ from, to }), PieceHasher.layerMemory))
