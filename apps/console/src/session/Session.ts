/** Who is signed in, as the service knows it by its cookie. Nothing of it is kept in the page. */
import * as ConsoleSession from "@piecework/cloud/ConsoleSession"
import { mayDo, type OperatorScope } from "@piecework/cloud/Identity"
import type { QueryClient } from "@tanstack/react-query"
import { Effect, Schema } from "effect"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { CallFailed, ofAnswer } from "../calls/CallFailed.ts"
import { type Ask, asking, url } from "../calls/Service.ts"
import * as Link from "./Link.ts"
import type { Question } from "../calls/useAsk.ts"

export type State = ConsoleSession.SessionState
export type SignedIn = typeof ConsoleSession.SignedIn.Type
export type SignedOut = typeof ConsoleSession.SignedOut.Type
export type Area = ConsoleSession.Area

const decodeState = Schema.decodeUnknownEffect(ConsoleSession.SessionState)

const stateOf = Effect.fn("Session.stateOf")(function* (response: HttpClientResponse.HttpClientResponse) {
  const body = yield* response.json
  if (response.status === 200) return yield* decodeState(body)
  return yield* ofAnswer(response.status, body) ?? away
})

const asked = (request: HttpClientRequest.HttpClientRequest): Ask<State> =>
  asking(
    HttpClient.execute(request).pipe(
      Effect.flatMap(stateOf),
      Effect.timeout("10 seconds"),
      Effect.mapError((error) => (error instanceof CallFailed ? error : away))
    )
  )

const away = new CallFailed({
  kind: "Away",
  sentence: "The service cannot be reached, or something else answers in its place.",
  advice: "This page asks again by itself. piecework-service status tells what is the matter."
})

const at = url + ConsoleSession.path

const look = asked(HttpClientRequest.get(at))

export const state: Question<State> = {
  key: ["session"],
  ask: async (signal) => {
    const found = await look(signal)
    const token = Link.token()
    // Whoever is signed in is asked first whether to stay so.
    if (token === undefined || found._tag === "SignedIn") return found
    Link.drop()
    // One that is over is no reason not to show the form.
    return signIn(token).catch(() => found)
  }
}

export const signIn = (token: string): Promise<State> =>
  asked(HttpClientRequest.post(at).pipe(HttpClientRequest.bodyJsonUnsafe({ token })))()

export const signOut: Ask<State> = asked(HttpClientRequest.delete(at))

/** Whether the one who is signed in may do that; pages show nobody a button that would be refused. */
export const may = ({ operator, scopes }: SignedIn, scope: OperatorScope): boolean =>
  mayDo({ _tag: "Operator", id: operator, scopes }, scope)

/**
 * Takes what the service says of who is signed in. What was asked as somebody else is forgotten; the question itself stays, since the
 * door watches it.
 */
export const become = (client: QueryClient, next: State): void => {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== state.key[0] })
  client.setQueryData(state.key, next)
}
