/** What the commands about tokens and devices have in common. */
import { Failure } from "@piecework/terminal/Failure"
import * as TrustHandlers from "@piecework/trust/TrustHandlers"
import * as TrustRpcs from "@piecework/trust/TrustRpcs"
import type { Credential } from "@piecework/trust/Credential"
import { Duration, Effect, Layer, Option, Redacted } from "effect"
import { Argument, Flag } from "effect/cli"
import type { RpcClient, RpcClientError, RpcGroup } from "effect/rpc"
import { exitCodes } from "../ExitCode.ts"
import * as Trust from "../http/Trust.ts"
import { type Data, databaseIn } from "./options.ts"
import * as remote from "./remote.ts"

export type Client = RpcClient.RpcClient<RpcGroup.Rpcs<typeof TrustRpcs.TrustRpcs>, RpcClientError.RpcClientError>

/** Carries it out at the service, or in the data folder. */
export const administer = <A, E>(
  where: remote.Where & { readonly data: Data },
  use: (client: Client) => Effect.Effect<A, E>
) => {
  const handlers = TrustHandlers.layer.pipe(Layer.provide(Trust.credentials), Layer.provide(databaseIn(where.data)))
  return remote
    .at(
      TrustRpcs.TrustRpcs,
      TrustRpcs.path,
      handlers
    )(where)(use)
    .pipe(
      Effect.mapError((error) =>
        error instanceof TrustRpcs.CredentialUnknown
          ? new Failure({ sentence: error.message, code: exitCodes.notFound })
          : error
      )
    )
}

/** All of a kind, the oldest first. */
export const all = (client: Client, kind: Credential["kind"]) =>
  Effect.gen(function* () {
    const found: Array<Credential> = []
    let page = yield* client.List({ kind })
    found.push(...page)
    for (let last = page.at(-1); page.length === TrustRpcs.mostListed && last !== undefined; last = page.at(-1)) {
      page = yield* client.List({ kind, after: last.id })
      found.push(...page)
    }
    return found.toSorted((one, other) => one.createdAt - other.createdAt)
  })

export const id = Argument.String("ID").pipe(
  Argument.withDescription("16 hex digits, as the list shows them"),
  Argument.filter(
    (text) => /^[0-9a-f]{16}$/.test(text),
    (text) => `"${text}" is no id; it has 16 hex digits, as the list shows them`
  )
)

export const name = (fallback: string) =>
  Flag.String("name").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("what people call it"),
    Flag.filter(
      (text) => /^\P{Cc}{1,128}$/u.test(text),
      () => "A name has 1 to 128 characters"
    ),
    Flag.withDefault(fallback)
  )

/** "90d", "12 hours", "never". */
export const expires = (fallback: string) =>
  Flag.String("expires").pipe(
    Flag.withMetavar("SPAN"),
    Flag.withDescription('how long it is good for, as "30d", "12h" or "never"'),
    Flag.withDefault(fallback),
    Flag.filterMap(lifetimeIn, (text) => `"${text}" is no span of time; write it like "30d", "12h" or "never"`)
  )

/** Seconds for a request, or nothing for "never". */
export const lifetime = (span: Option.Option<Duration.Duration>): { readonly lifetimeSeconds?: number } =>
  Option.match(span, {
    onNone: () => ({}),
    onSome: (duration) => ({ lifetimeSeconds: Math.max(1, Math.round(Duration.toSeconds(duration))) })
  })

export const groups = (description: string) =>
  Flag.String("group").pipe(
    Flag.withMetavar("GROUP"),
    Flag.withDescription(description),
    Flag.filter(
      (text) => text.length >= 1 && text.length <= 128,
      () => "A group has 1 to 128 characters"
    ),
    Flag.atLeast(0)
  )

/** What a program is told; never the secret. */
export const forPrograms = ({ createdAt, expiresAt, revokedAt, usedAt, ...rest }: Credential) => ({
  ...rest,
  createdAt: timeOf(createdAt),
  expiresAt: timeOf(expiresAt),
  revokedAt: timeOf(revokedAt),
  usedAt: timeOf(usedAt)
})

/** With the token, this once. */
export const issuedForPrograms = ({ credential, token }: typeof TrustRpcs.Issued.Type) => ({
  token: Redacted.value(token),
  ...forPrograms(credential)
})

/** How it is with it, in a word or two. */
export const stateOf = (credential: Credential, now: number): string => {
  if (credential.revokedAt !== null) return "revoked"
  if (credential.expiresAt !== null && credential.expiresAt <= now) return "expired"
  if (credential.usesLeft === 0) return "used up"
  return credential.expiresAt === null ? "good" : `good until ${dayOf(credential.expiresAt)}`
}

export const dayOf = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

const timeOf = (millis: number | null): string | null => (millis === null ? null : new Date(millis).toISOString())

function lifetimeIn(text: string): Option.Option<Option.Option<Duration.Duration>> {
  if (text.trim() === "never") return Option.some(Option.none())
  const [, amount = "", unit = ""] = /^(\d{1,6})\s*([a-z]+)$/i.exec(text.trim()) ?? []
  const seconds = units[unit.toLowerCase()]
  return seconds === undefined || Number(amount) === 0 || Number(amount) * seconds > 10 * 365 * 86_400
    ? Option.none()
    : Option.some(Option.some(Duration.seconds(Number(amount) * seconds)))
}

/** Seconds. */
const units: { readonly [unit: string]: number } = {
  m: 60,
  minutes: 60,
  h: 3600,
  hours: 3600,
  d: 86_400,
  days: 86_400,
  y: 31_536_000,
  years: 31_536_000
}
