/** `piecework-service list`: what is published. */
import { Catalog, type Published } from "@piecework/catalog/Catalog"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { ofDatabase } from "../Failure.ts"
import { Output } from "../Output.ts"
import * as Amount from "../view/Amount.ts"
import { catalogThere } from "./options.ts"
import { serve } from "./serve.ts"

export const list = Command.make("list").pipe(
  Command.withDescription("Shows what is published"),
  Command.withHandler(() =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const contents = yield* Catalog.use((catalog) => Effect.mapError(catalog.list, ofDatabase)).pipe(
        Effect.provide(catalogThere(data))
      )
      if (json) return yield* output.line(JSON.stringify(contents.map(forPrograms)))
      if (contents.length === 0)
        return yield* output.note("Nothing is published yet; see piecework-service publish --help.")
      return yield* output.line(contents.map(forPeople).join("\n"))
    })
  )
)

const forPrograms = ({ contentId, contentSize, pieceSize, publishedAt, urls }: Published) => ({
  contentId,
  contentSize,
  pieces: Math.ceil(contentSize / pieceSize),
  publishedAt: new Date(publishedAt).toISOString(),
  urls
})

const forPeople = ({ contentId, contentSize, urls }: Published): string => {
  const [first = "no current URL", ...others] = urls
  return [`${contentId}  ${Amount.bytes(contentSize)}`, ...[first, ...others].map((url) => `  ${url}`)].join("\n")
}
