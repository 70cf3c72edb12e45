/** How the console's page signs in and out, and who is signed in; see `ConsoleSession`. Tokens are looked at as at every other path. */
import * as ConsoleSession from "@piecework/cloud/ConsoleSession"
import type { Identity } from "@piecework/cloud/Identity"
import { Admission, NotAdmitted } from "@piecework/trust/Admission"
import type { Credential } from "@piecework/trust/Credential"
import { Credentials } from "@piecework/trust/Credentials"
import type { RouteRule } from "@piecework/trust/RouteRule"
import * as Token from "@piecework/trust/Token"
import { Clock, Effect, Layer, Option, Redacted, Result, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Entrance from "../http/Entrance.ts"
import * as HttpCaller from "../http/HttpCaller.ts"
import { version } from "../version.ts"
import * as SessionCookie from "./SessionCookie.ts"

export interface Options extends HttpCaller.Options {
  /** Of which calls are answered under the service's URL. */
  readonly areas: ReadonlyArray<ConsoleSession.Area>
}

const rule: RouteRule = { name: ConsoleSession.path, wants: "Operator", maxBody: 0 }

/** Who is signed in, by which session. */
interface Session {
  readonly credential: Credential
  readonly identity: Identity
}

const hints = {
  token:
    "Sign in with an operator's token. On the service's own machine, piecework-service token create makes one, and piecework-service console opens this page with one.",
  plain:
    "Operators sign in over HTTPS only: on the way from here others could read the token. Open this page by https://, or on the service's own machine.",
  none: "This process of the service knows no tokens. Open the console of a process that has the service's database."
} as const

const unpermitted = HttpServerResponse.jsonUnsafe(
  { error: "Only the console's own page may ask this." },
  { status: 403, headers: { "cache-control": "no-store" } }
)

const unreadable = HttpServerResponse.jsonUnsafe(
  { error: "This is no token to sign in with." },
  { status: 400, headers: { "cache-control": "no-store" } }
)

const encode = Schema.encodeSync(ConsoleSession.SessionState)

const said = (state: ConsoleSession.SessionState, cookie?: string) =>
  HttpServerResponse.jsonUnsafe(encode(state), {
    headers: {
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(cookie === undefined ? {} : { "set-cookie": cookie })
    }
  })

/** A request as it came in. */
const arriving = (options: Options) => {
  const originOf = HttpCaller.originOf(options)
  return Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    const { headers } = request
    const { externalIp, isEncrypted, isPrivate } = originOf(Option.getOrUndefined(request.remoteAddress), headers)
    const way = { isEncrypted, publicUrl: options.publicUrl }
    return { request, headers, way, isEncrypted, isPrivate, address: externalIp }
  })
}
type Arriving = Effect.Success<ReturnType<typeof arriving>>

const service = (options: Options) => ({ version, areas: options.areas })

const signedOut = (options: Options, { isPrivate }: Arriving): ConsoleSession.SessionState => ({
  _tag: "SignedOut",
  ...service(options),
  maySignIn: isPrivate,
  hint: isPrivate ? hints.token : hints.plain
})

const signedIn = (options: Options, { credential, identity }: Session): ConsoleSession.SessionState => ({
  _tag: "SignedIn",
  ...service(options),
  operator: identity._tag === "Operator" ? identity.id : credential.id,
  name: credential.name,
  scopes: credential.scopes,
  expiresAt: credential.expiresAt ?? Number.MAX_SAFE_INTEGER
})

const make = (options: Options) =>
  Effect.gen(function* () {
    const admission = yield* Admission
    const credentials = yield* Credentials

    const admitted = ({ address, isPrivate }: Arriving, token: string) =>
      admission.admit({ rule, address, isPrivate, authorization: `Bearer ${token}` })

    /** The session of the request, when it has one that is good. */
    const sessionOf = Effect.fnUntraced(function* (arrival: Arriving) {
      const token = SessionCookie.of(arrival.headers, arrival.way)
      const id = token === undefined ? undefined : Token.present(token).named?.id
      if (token === undefined || id === undefined) return undefined
      const identity = yield* admitted(arrival, token)
      const kept = Option.getOrUndefined(yield* Effect.orDie(credentials.find(id)))
      return kept?.credential.kind === "Session" ? { credential: kept.credential, identity } : undefined
    })

    /** What was refused for other reasons than that the session is over is said. */
    const known = (arrival: Arriving) =>
      Effect.catchIf(sessionOf(arrival), isOver, () => Effect.succeed<Session | undefined>(undefined))

    const look = Effect.gen(function* () {
      const arrival = yield* arriving(options)
      const session = yield* known(arrival)
      if (session !== undefined) return said(signedIn(options, session))
      const hasCookie = SessionCookie.of(arrival.headers, arrival.way) !== undefined
      return said(signedOut(options, arrival), hasCookie ? SessionCookie.clear(arrival.isEncrypted) : undefined)
    })

    const signIn = Effect.gen(function* () {
      const arrival = yield* arriving(options)
      if (!SessionCookie.isOwnPage(arrival.headers, arrival.way)) return unpermitted
      const read = yield* Effect.result(HttpServerRequest.schemaBodyJson(ConsoleSession.SignIn))
      if (Result.isFailure(read)) return unreadable
      const token = Redacted.value(read.success.token)
      // A session is no token to make others with.
      if (Token.present(token).named?.kind === "Session") return Entrance.refusal(refused)
      const identity = yield* admitted(arrival, token)
      if (identity._tag !== "Operator") return Entrance.refusal(refused)
      const opened = Option.getOrUndefined(yield* Effect.orDie(credentials.openSession(identity.id)))
      if (opened === undefined) return Entrance.refusal(refused)
      const before = yield* known(arrival)
      if (before !== undefined) yield* end(before)
      const { credential } = opened
      const now = yield* Clock.currentTimeMillis
      const seconds = Math.max(1, Math.round(((credential.expiresAt ?? now) - now) / 1000))
      const cookie = SessionCookie.set(Redacted.value(opened.token), seconds, arrival.isEncrypted)
      return said(signedIn(options, { credential, identity }), cookie)
    })

    const end = ({ credential, identity }: Session) =>
      Effect.orDie(credentials.revoke(identity, "Session", credential.id))

    const signOut = Effect.gen(function* () {
      const arrival = yield* arriving(options)
      if (!SessionCookie.isOwnPage(arrival.headers, arrival.way)) return unpermitted
      const session = yield* known(arrival)
      if (session !== undefined) yield* end(session)
      return said(signedOut(options, arrival), SessionCookie.clear(arrival.isEncrypted))
    })

    return { look, signIn, signOut }
  })

const refused = new NotAdmitted({ reason: "TokenRefused" })

const isOver = ({ reason }: NotAdmitted): boolean => reason === "TokenRefused" || reason === "Overheard"

const refusing = <E, R>(self: Effect.Effect<HttpServerResponse.HttpServerResponse, E | NotAdmitted, R>) =>
  Effect.catchIf(self, isNotAdmitted, (error) => Effect.succeed(Entrance.refusal(error)))

const isNotAdmitted = (error: unknown): error is NotAdmitted => error instanceof NotAdmitted

/** For a process that knows tokens. */
export const layer = (options: Options) =>
  Layer.unwrap(
    Effect.map(make(options), ({ look, signIn, signOut }) =>
      Layer.mergeAll(
        HttpRouter.add("GET", ConsoleSession.path, refusing(look)),
        HttpRouter.add("POST", ConsoleSession.path, refusing(signIn)),
        HttpRouter.add("DELETE", ConsoleSession.path, refusing(signOut))
      )
    )
  )

/** For one that knows none: nobody signs in there. */
export const layerNone = (options: Options) =>
  HttpRouter.add(
    "GET",
    ConsoleSession.path,
    Effect.sync(() => said({ _tag: "SignedOut", ...service(options), maySignIn: false, hint: hints.none }))
  )
