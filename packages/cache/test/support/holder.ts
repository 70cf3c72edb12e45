/** A process that holds a content of 100 pieces as one that downloads it does, until it is killed. */
import { Effect } from "effect"
import { contentOf, pieceSize } from "./contents.ts"
import { keptIn } from "./keeper.ts"

const { phf } = contentOf(100 * pieceSize)

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const { cache, keeper } = yield* keptIn(process.argv[2] ?? "")
      yield* cache.open(phf)
      yield* keeper.hold(phf.contentId)
      yield* Effect.sync(() => process.stdout.write("holding\n"))
      // Something has to keep the process alive.
      return yield* Effect.forever(Effect.sleep("1 minute"))
    })
  )
)
