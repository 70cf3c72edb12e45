/**
 * How the console's page signs in. `POST` of a `SignIn` as JSON to `path` takes an operator's token and answers a cookie that no script
 * can read; with it, and with the header `header` on every request, the same page may call whatever the token may. `GET` says who is signed
 * in, `DELETE` signs out; all three answer a `SessionState`. A refusal is a status and `{ "error": one sentence }`, as at every other path:
 * 401 for a token that is not accepted, 403 over plain HTTP from another machine or from another page, 429 for too many tries.
 *
 * A session is over after 12 hours, with its token, when the operator has 16 newer ones, or when it signs out. A call with a session that
 * is over is answered with 401: the page then shows the form to sign in again.
 */
import { Schema } from "effect"
import { Secret } from "./EnrolRpcs.ts"
import { text } from "./Fields.ts"
import { Name, OperatorScope } from "./Identity.ts"

/** Under the service's URL. */
export const path = "/console/session"

/** Each request of the page has it, with the value "1": what other pages make a browser send has not. */
export const header = "x-piecework-console"

export class SignIn extends Schema.Class<SignIn>("@piecework/cloud/ConsoleSignIn")({
  /** "pwo_…". */
  token: Secret
}) {}

/** What a service answers calls of; the console hides the pages of the others. */
export const Area = Schema.Literals(["Contents", "Swarms", "Reports", "Nodes", "Trust"])
export type Area = typeof Area.Type

const service = {
  /** Version of the service's software. */
  version: text(64),
  /** Of which it answers calls under this URL. */
  areas: Schema.Array(Area)
}

export const SignedIn = Schema.TaggedStruct("SignedIn", {
  ...service,
  /** Of the token. */
  operator: Name,
  /** What people call the token. */
  name: text(128),
  /** What it may: `Admin` includes all others. */
  scopes: Schema.Array(OperatorScope),
  /** Of the session, epoch milliseconds. */
  expiresAt: Schema.Natural
})

export const SignedOut = Schema.TaggedStruct("SignedOut", {
  ...service,
  /** Whether a token would be taken from here; a form to sign in makes no sense otherwise. */
  maySignIn: Schema.Boolean,
  /** Why not, or where tokens come from, for people. */
  hint: text(500)
})

export const SessionState = Schema.Union([SignedIn, SignedOut])
export type SessionState = typeof SessionState.Type
