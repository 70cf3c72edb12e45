/**
 * Answers the administrator's commands: JSON over HTTP on a socket of the machine, for the server's user and root alone. Commands are few
 * and short, so is what is read of them; each request is one fiber, which ends when its caller goes away.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import * as SocketFile from "@piecework/device/SocketFile"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, FiberSet, Schema } from "effect"
import { exitCodes } from "../ExitCode.ts"
import { Checked, Files, Forgotten, Status } from "./Status.ts"

/** What cannot be done, in a sentence. */
export class ControlError extends Schema.TaggedError<ControlError>()("ControlError", {
  sentence: Schema.String,
  /** Of HTTP. */
  status: Schema.Int
}) {
  override get message(): string {
    return this.sentence
  }
}

/** What the server does when it is asked. */
export interface Controlled {
  readonly status: Effect.Effect<typeof Status.Type>
  readonly list: Effect.Effect<typeof Files.Type, ControlError>
  /** Those with this URL or content id; all of them without one. */
  readonly forget: (what: string | undefined) => Effect.Effect<typeof Forgotten.Type, ControlError>
  /** Reads and hashes everything that is kept. */
  readonly check: Effect.Effect<typeof Checked.Type, ControlError>
}

/** Longest that a caller may ask for, in characters: a URL. */
const longestUrl = 16_384

/** Serves at the path until the scope closes. */
export const serve = Effect.fn("ControlServer.serve")(function* (path: string, controlled: Controlled) {
  const run = yield* FiberSet.makeRuntime<never>()
  const answer = answerer(controlled)
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = createServer(
        { headersTimeout: 5000, requestTimeout: 5000, maxHeaderSize: 32_768 },
        (request, response) => {
          request.resume()
          const fiber = run(answer(request, response))
          response.once("close", () => fiber.interruptUnsafe())
        }
      )
      made.maxConnections = 32
      return made
    }),
    (made) =>
      Effect.sync(() => {
        made.close()
        made.closeAllConnections()
      })
  )
  yield* Effect.mapError(SocketFile.listen(server, path, SocketFile.rights.own), explained)
})

const explained = ({ detail, path, reason }: SocketFile.SocketFileError): Failure => {
  switch (reason) {
    case "InUse":
      return new Failure({
        sentence: `Another cache server answers at ${path}; end it, or choose another folder with --state.`,
        code: exitCodes.storage
      })
    case "TooLong":
      return new Failure({
        sentence: `The path of the server's socket is too long for this system (${path}); choose a shorter folder with --state.`,
        code: exitCodes.storage
      })
    case "NoSocket":
    case "Failed":
      return new Failure({
        sentence: `The server's socket ${path} cannot be made (${detail ?? "something else is there"}); choose another folder with --state.`,
        code: exitCodes.storage
      })
  }
}

const answerer =
  ({ check, forget, list, status }: Controlled) =>
  (request: IncomingMessage, response: ServerResponse): Effect.Effect<void> => {
    const say = (code: number, text: string) =>
      Effect.sync(() => void response.writeHead(code, { "Content-Type": "application/json" }).end(text))
    const said = <A>(schema: Schema.Codec<A, unknown>, work: Effect.Effect<A, ControlError>) =>
      work.pipe(
        Effect.flatMap((value) => say(200, JSON.stringify(Schema.encodeSync(schema)(value)))),
        Effect.catch((error) => say(error.status, JSON.stringify({ error: error.message })))
      )
    const url = request.url ?? ""
    if (url.length > longestUrl || !URL.canParse(url, "http://cache")) return say(400, '{"error":"No such request."}')
    const { pathname, searchParams } = new URL(url, "http://cache")
    const asked = `${request.method ?? ""} ${pathname}`
    const work = (() => {
      switch (asked) {
        case "GET /status":
          return said(Status, status)
        case "GET /files":
          return said(Files, list)
        case "DELETE /files":
          return said(Forgotten, forget(searchParams.get("of") ?? undefined))
        case "POST /check":
          return said(Checked, check)
        default:
          return say(404, '{"error":"No such request."}')
      }
    })()
    return Effect.catchDefect(work, (defect) =>
      Effect.andThen(
        Effect.logError("A command broke down in the server.", defect),
        say(500, '{"error":"The command broke down in the server; its log says why."}')
      )
    )
  }
