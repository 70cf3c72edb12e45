/**
 * The activity page of this device over HTTP on the loopback: its files, its figures and what its user may do with jobs. Everything that a caller
 * decides is bounded; who is let in `Doorkeeper` says.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, FiberSet, Schema, type Scope } from "effect"
import * as Doorkeeper from "./Doorkeeper.ts"
import type { PageFile, PageFiles } from "./PageFiles.ts"

export interface Place {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

export class ActivityServerError extends Schema.TaggedError<ActivityServerError>()("ActivityServerError", {
  place: Schema.String,
  code: Schema.String
}) {
  override get message(): string {
    return `The activity page cannot listen on ${this.place} (${this.code}); name another place with --activity.`
  }
}

/** What an answer of the interface is: JSON, and the status it goes with. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface Options {
  readonly place: Place
  /** What whoever asks has to show. */
  readonly secret: string
  readonly files: PageFiles
  readonly now: Effect.Effect<Answer>
  readonly act: (action: Doorkeeper.Action, job: string) => Effect.Effect<Answer>
}

/** Most connections at once, so that programs that hang take only so much: a browser has six. */
const maxConnections = 64

/** Nothing but the page's own files runs in it, and it shows in no frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

const always = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin"
}

/** Answers its port. It serves until the scope closes. */
export const serve = Effect.fn("ActivityServer.serve")(function* (
  options: Options
): Effect.fn.Return<number, ActivityServerError, Scope.Scope> {
  const run = yield* FiberSet.makeRuntime<never>()
  let port = options.place.port

  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    const { headers, method = "", socket, url = "" } = request
    // What comes behind a head that was refused is not waited for.
    request.resume()
    const wish = Doorkeeper.decide(
      { headers, method, target: url, remoteAddress: socket.remoteAddress },
      { port, secret: options.secret }
    )
    switch (wish._tag) {
      case "Refused": {
        if (wish.status === 413) response.shouldKeepAlive = false
        return json(response, { status: wish.status, body: { error: wish.sentence } })
      }
      case "File":
        return file(response, options.files.get(wish.name), method === "HEAD")
      case "Now":
      case "Act":
        run(
          (wish._tag === "Now" ? options.now : options.act(wish.action, wish.job)).pipe(
            Effect.catchCause((cause) =>
              Effect.as(Effect.logError("A request of the activity page broke down.", cause), broken)
            ),
            Effect.map((answer) => json(response, answer))
          )
        )
    }
  }

  const server = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = createServer(
        { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 30_000 },
        respond
      )
      made.maxConnections = maxConnections
      return made
    }),
    (made) =>
      Effect.callback<void>((resume) => {
        made.close(() => resume(Effect.void))
        made.closeAllConnections()
      })
  )
  port = yield* listen(server, options.place)
  return port
})

const broken: Answer = { status: 500, body: { error: "The agent could not answer; its log says why." } }

const listen = (server: Server, { host, port }: Place): Effect.Effect<number, ActivityServerError> =>
  Effect.callback((resume) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      resume(Effect.fail(new ActivityServerError({ place: `${host}:${port}`, code: error.code ?? error.message })))
    )
    server.listen(port, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
  })

const json = (response: ServerResponse, { body, status }: Answer): void => {
  if (response.destroyed) return
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, {
    ...always,
    "content-type": "application/json; charset=utf-8",
    "content-length": bytes.length,
    "cache-control": "no-store"
  })
  response.end(bytes)
}

const file = (response: ServerResponse, found: PageFile | undefined, isHead: boolean): void => {
  if (found === undefined) return json(response, { status: 404, body: { error: "There is nothing here." } })
  response.writeHead(200, {
    ...always,
    "content-type": found.type,
    "content-length": found.bytes.length,
    "cache-control": found.isLasting ? "private, max-age=31536000, immutable" : "no-store"
  })
  response.end(isHead ? undefined : found.bytes)
}
