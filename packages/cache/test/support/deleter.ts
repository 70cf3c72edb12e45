/** A process that lets go of contents until it is killed, and announces each. */
import { Effect } from "effect"
import { keptIn } from "./keeper.ts"

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const { cache } = yield* keptIn(process.argv[2] ?? "")
      for (const { contentId } of yield* cache.list) {
        yield* cache.drop(contentId)
        yield* Effect.callback<void>((resume) => void process.stdout.write(`${contentId}\n`, () => resume(Effect.void)))
      }
    })
  )
)
