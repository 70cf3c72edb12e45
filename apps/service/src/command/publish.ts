/** `piecework-service publish`: hashes a file and puts it into the catalog, while the service runs or not. */
import { basename } from "node:path"
import type { Publication } from "@piecework/catalog/Catalog"
import { DatabaseError } from "@piecework/database/DatabaseError"
import { publish as publishFile } from "@piecework/catalog/Publisher"
import { FileHashError } from "@piecework/hashing/FileHasher"
import * as HasherConfig from "@piecework/hashing/HasherConfig"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Clock, Effect, Layer } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { Failure, ofDatabase, ofFile } from "../Failure.ts"
import { Output } from "../Output.ts"
import * as Amount from "../view/Amount.ts"
import { progressLine } from "../view/ProgressLine.ts"
import { catalogIn, contentUrl } from "./options.ts"
import { serve } from "./serve.ts"

const file = Argument.String("FILE").pipe(Argument.withDescription("the file, as the origin has it"))

const urls = Flag.String("url").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription("where the origin has the file; may be given several times"),
  Flag.atLeast(1)
)

export const publish = Command.make("publish", { file, urls }).pipe(
  Command.withDescription("Makes a file known, so that devices can share its pieces"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const [first, ...others] = yield* Effect.forEach(options.urls, contentUrl)
      if (first === undefined) return yield* new Failure({ sentence: "Give a --url.", code: exitCodes.usage })
      const onProgress = output.isWatched ? watch(output, yield* Clock.Clock, basename(options.file)) : undefined
      const publication = yield* publishFile({
        file: options.file,
        urls: [first, ...others],
        ...(onProgress === undefined ? {} : { onProgress })
      }).pipe(
        Effect.provide([catalogIn(data), PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer()))]),
        Effect.mapError((error) => {
          if (error instanceof DatabaseError) return ofDatabase(error)
          return error instanceof FileHashError ? ofFile(error) : error
        }),
        Effect.ensuring(Effect.sync(() => onProgress && output.redraw("")))
      )
      if (json) return yield* output.line(JSON.stringify(forPrograms(publication)))
      yield* output.note(sentence(publication))
      return yield* output.line(publication.content.contentId)
    })
  )
)

/** Draws at most ten times a second. */
const watch = (output: Output["Service"], clock: Clock.Clock, name: string) => {
  const started = clock.currentTimeMillisUnsafe()
  let drawnAt = 0
  return (hashed: number, total: number) => {
    const now = clock.currentTimeMillisUnsafe()
    if (now - drawnAt < 100 && hashed < total) return
    drawnAt = now
    output.redraw(progressLine({ name, hashed, total, elapsed: now - started, columns: output.columns() }))
  }
}

const forPrograms = ({ added, content, isNew, moved }: Publication) => ({
  contentId: content.contentId,
  contentSize: content.contentSize,
  pieces: Math.ceil(content.contentSize / content.pieceSize),
  urls: content.urls,
  isNew,
  added,
  moved
})

const sentence = ({ added, content, isNew, moved }: Publication): string => {
  const size = Amount.bytes(content.contentSize)
  if (isNew) return `Published ${size} in ${Amount.count(Math.ceil(content.contentSize / content.pieceSize), "piece")}.`
  if (moved.length > 0) return `These bytes were known already; ${moved.length} of the URLs had other bytes before.`
  return added.length > 0 ? "These bytes were known already; now under another URL too." : "This was published already."
}
