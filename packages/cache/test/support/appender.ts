/** A process that appends pieces to a partial file and announces each one that is kept, until it is killed. */
import { PartialFile } from "@piecework/cache"
import { Effect } from "effect"
import { contentOf, pieceSize } from "./contents.ts"
import { partialsIn } from "./harness.ts"

const content = contentOf(2000 * pieceSize)
const [, , directory = "", key = ""] = process.argv

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const partials = yield* partialsIn(directory)
      const file = yield* partials.open({ key: PartialFile.PartialKey.make(key), pieceSize })
      yield* Effect.forEach(
        content.pieces,
        (piece) =>
          Effect.andThen(
            file.append(piece, content.piece(piece), pieceSize),
            Effect.callback<void>((resume) => void process.stdout.write(`${piece}\n`, () => resume(Effect.void)))
          ),
        { discard: true }
      )
    })
  )
)
