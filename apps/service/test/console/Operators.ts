/** A service in this process with operators of whom the test has the tokens, and their browsers. */
import * as ConsoleSession from "@piecework/cloud/ConsoleSession"
import { local as localOperator, type OperatorScope } from "@piecework/cloud/Identity"
import { Database } from "@piecework/database/Database"
import { Audit } from "@piecework/trust/Audit"
import { Credentials } from "@piecework/trust/Credentials"
import { Context, Effect, Layer, Redacted } from "effect"
import { local, type Options } from "../Local.ts"

export const make = Effect.fnUntraced(function* (options: Options = {}) {
  const built = yield* Layer.build(
    Credentials.layer.pipe(Layer.provideMerge(Audit.layer), Layer.provideMerge(Database.layerMemory))
  )
  const credentials = Context.get(built, Credentials)
  const { url } = yield* local({ ...options, database: Layer.succeed(Database, Context.get(built, Database)) })
  const tokenFor = (...scopes: ReadonlyArray<OperatorScope>) =>
    credentials
      .issue(localOperator, { kind: "Operator", name: "someone", scopes, expiresAt: null })
      .pipe(Effect.map(({ credential, token }) => ({ id: credential.id, token: Redacted.value(token) })))
  return { url, credentials, tokenFor }
})

export interface Said {
  readonly status: number
  readonly body: unknown
  readonly headers: Headers
}

type Fields = Readonly<Record<string, string>>

/** What the console's own page sends. */
export const own: Fields = { [ConsoleSession.header]: "1", "content-type": "application/json" }

export const ask = (url: string, method: "GET" | "POST" | "DELETE", headers: Fields, body?: unknown) =>
  Effect.promise(async (): Promise<Said> => {
    const answer = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await answer.text()
    return { status: answer.status, body: text === "" ? undefined : JSON.parse(text), headers: answer.headers }
  })

export const session = (url: string, method: "GET" | "POST" | "DELETE", headers: Fields, body?: unknown) =>
  ask(url + ConsoleSession.path, method, headers, body)

/** What the browser sends back of it. */
export const cookieOf = ({ headers }: Said): string => (headers.get("set-cookie") ?? "").split(";", 1)[0] ?? ""

/** Signs in; answers the headers of the page's calls from then on. */
export const signedIn = (url: string, token: string) =>
  Effect.map(session(url, "POST", own, { token }), (said): Fields => ({ ...own, cookie: cookieOf(said) }))

export const rpc = (url: string, tag: string, payload: unknown, headers: Fields) =>
  ask(url, "POST", headers, { _tag: "Request", id: "1", tag, payload, headers: [] })

/** The value of a call that succeeded, or the error of one that did not. */
export const resultOf = ({ body }: Said): unknown => {
  const [{ exit }] = body as [{ exit: { _tag: string; value?: unknown; cause?: ReadonlyArray<{ error?: unknown }> } }]
  return exit._tag === "Success" ? exit.value : exit.cause?.[0]?.error
}
