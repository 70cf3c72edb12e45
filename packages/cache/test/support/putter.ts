/** A process that puts pieces into a cache and announces each one that is held, until it is killed. */
import { Effect } from "effect"
import { contentOf, pieceSize } from "./contents.ts"
import { cacheIn } from "./harness.ts"

const content = contentOf(2000 * pieceSize)

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const cache = yield* cacheIn(process.argv[2] ?? "")
      const stored = yield* cache.open(content.phf)
      yield* Effect.forEach(
        content.pieces,
        (piece) =>
          Effect.andThen(
            stored.put(piece, content.piece(piece)),
            Effect.callback<void>((resume) => void process.stdout.write(`${piece}\n`, () => resume(Effect.void)))
          ),
        { concurrency: 4, discard: true }
      )
    })
  )
)
