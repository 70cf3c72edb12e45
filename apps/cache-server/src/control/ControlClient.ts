/** Asks the cache server that runs on this machine. */
import { request } from "node:http"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Option, Schema } from "effect"
import { exitCodes } from "../ExitCode.ts"
import { Trouble } from "./Status.ts"

export interface Asked {
  readonly method: "GET" | "DELETE" | "POST"
  readonly path: string
}

/** Longest answer, in bytes: a list of a million files. */
const mostBytes = 268_435_456

type Spoken = { readonly status: number; readonly text: string }

/** `undefined` where nobody answers. */
const speak = (socketPath: string, { method, path }: Asked): Effect.Effect<Spoken | undefined, Failure> =>
  Effect.callback((resume) => {
    let length = 0
    const parts: Array<Buffer> = []
    const lost = (error: NodeJS.ErrnoException): void => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") return resume(Effect.succeed(undefined))
      const sentence =
        error.code === "EACCES"
          ? `Only root and the user of the cache server may ask it (${socketPath}).`
          : "The cache server went away before it had answered."
      resume(Effect.fail(new Failure({ sentence, code: exitCodes.notRunning })))
    }
    const asking = request({ socketPath, method, path, agent: false }, (response) => {
      response.on("data", (part: Buffer) => {
        length += part.length
        if (length > mostBytes) response.destroy(new Error("too long"))
        else parts.push(part)
      })
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") }))
      )
      response.on("error", lost)
    })
    asking.on("error", lost).end()
    return Effect.sync(() => void asking.destroy())
  })

/** The answer of the first of the sockets at which a server answers. */
export const ask = Effect.fn("ControlClient.ask")(function* <A>(
  sockets: ReadonlyArray<string>,
  asked: Asked,
  schema: Schema.Codec<A, unknown>
): Effect.fn.Return<A, Failure> {
  for (const socket of sockets) {
    const spoken = yield* speak(socket, asked)
    if (spoken === undefined) continue
    if (spoken.status === 200) {
      const read = Schema.decodeUnknownOption(Schema.fromJsonString(schema))(spoken.text)
      if (Option.isSome(read)) return read.value
    }
    const trouble = Schema.decodeUnknownOption(Schema.fromJsonString(Trouble))(spoken.text)
    return yield* new Failure({
      sentence: Option.match(trouble, {
        onNone: () => "What the cache server answers is not understood; it may be of another version.",
        onSome: ({ error }) => error
      }),
      code: spoken.status === 404 ? exitCodes.notFound : exitCodes.unexpected
    })
  }
  return yield* new Failure({
    sentence: "No cache server runs here; start one with piecework-cache serve, or name its folder with --state.",
    code: exitCodes.notRunning
  })
})
