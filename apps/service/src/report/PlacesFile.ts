/** The file in which an operator says which networks are where. It is read when the service starts. */
import { open } from "node:fs/promises"
import { networksIn, Places } from "@piecework/reports/Places"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer, Option, Result } from "effect"
import { exitCodes } from "../ExitCode.ts"

/** Longest file that is read, in bytes: `Places.most` networks with long names. */
const longest = 2_097_152

/** Places as the file says; nowhere without one. */
export const layer = (file: Option.Option<string>): Layer.Layer<Places, Failure> =>
  Option.match(file, {
    onNone: () => Places.layerNone,
    onSome: (path) =>
      Layer.unwrap(
        Effect.gen(function* () {
          const text = yield* Effect.tryPromise({
            try: () => read(path),
            catch: () => cannot(path, "it cannot be read")
          })
          if (text === undefined) return yield* cannot(path, `it is no file, or longer than ${longest} bytes`)
          const networks = yield* Effect.fromResult(Result.mapError(networksIn(text), (why) => cannot(path, why)))
          return Places.layer(networks)
        })
      )
  })

const cannot = (path: string, why: string) =>
  new Failure({ sentence: `The file of places ${path} cannot be used: ${why}.`, code: exitCodes.file })

/** `undefined` for what is no file or too long a one. */
const read = async (path: string): Promise<string | undefined> => {
  const handle = await open(path, "r")
  try {
    const found = await handle.stat()
    return found.isFile() && found.size <= longest ? await handle.readFile("utf8") : undefined
  } finally {
    await handle.close()
  }
}
