/** What administrators ask about tokens and devices, once it is sure that they may. */
import { Caller } from "@piecework/cloud/Caller"
import { describe, type Identity, mayDo, type OperatorScope } from "@piecework/cloud/Identity"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Clock, Effect, Option } from "effect"
import type { Credential } from "./Credential.ts"
import { Credentials } from "./Credentials.ts"
import { CredentialUnknown, mostListed, path, TrustRpcs } from "./TrustRpcs.ts"

/** Who calls, when it has one of these scopes. */
const allowed = (...scopes: ReadonlyArray<OperatorScope>): Effect.Effect<Identity, RequestRefused, Caller> =>
  Effect.flatMap(Caller, ({ externalIp, identity }) =>
    scopes.some((scope) => mayDo(identity, scope))
      ? Effect.succeed(identity)
      : Effect.andThen(
          Effect.logWarning("A request was refused.").pipe(
            Effect.annotateLogs({ route: path, address: externalIp, reason: "Scope", token: describe(identity) })
          ),
          Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
        )
  )

const changing = (kind: Credential["kind"]) => allowed(kind === "Operator" || kind === "Session" ? "Admin" : "Enrol")
const reading = (kind: Credential["kind"]) => (kind === "Device" ? allowed("Enrol", "Read") : changing(kind))

const expiry = (lifetimeSeconds: number | undefined) =>
  Effect.map(Clock.currentTimeMillis, (now) => (lifetimeSeconds === undefined ? null : now + lifetimeSeconds * 1000))

const there =
  (kind: Credential["kind"], id: string) =>
  <E, R>(self: Effect.Effect<Option.Option<Credential>, E, R>): Effect.Effect<Credential, E | CredentialUnknown, R> =>
    Effect.flatMap(
      self,
      Option.match({ onNone: () => Effect.fail(new CredentialUnknown({ kind, id })), onSome: Effect.succeed })
    )

export const layer = TrustRpcs.toLayer(
  Effect.gen(function* () {
    const credentials = yield* Credentials
    return TrustRpcs.of({
      CreateToken: Effect.fnUntraced(function* ({ lifetimeSeconds, name, scopes }) {
        const who = yield* allowed("Admin")
        const expiresAt = yield* expiry(lifetimeSeconds)
        // The caller cannot help a database that fails, so it sees a service that does.
        return yield* Effect.orDie(credentials.issue(who, { kind: "Operator", name, scopes, expiresAt }))
      }),
      CreateEnrolment: Effect.fnUntraced(function* ({ groups, lifetimeSeconds, name, uses }) {
        const who = yield* allowed("Enrol")
        const expiresAt = yield* expiry(lifetimeSeconds)
        return yield* Effect.orDie(credentials.issue(who, { kind: "Enrolment", name, groups, uses, expiresAt }))
      }),
      List: Effect.fnUntraced(function* ({ after, kind, most = mostListed, search }) {
        yield* reading(kind)
        return yield* Effect.orDie(credentials.list(kind, { most, after, search }))
      }),
      Show: Effect.fnUntraced(function* ({ id, kind }) {
        yield* reading(kind)
        const found = Effect.map(Effect.orDie(credentials.find(id)), (kept) =>
          Option.filter(
            Option.map(kept, ({ credential }) => credential),
            (credential) => credential.kind === kind
          )
        )
        return yield* there(kind, id)(found)
      }),
      Revoke: Effect.fnUntraced(function* ({ id, kind }) {
        const who = yield* changing(kind)
        return yield* Effect.orDie(credentials.revoke(who, kind, id)).pipe(there(kind, id))
      }),
      SetGroups: Effect.fnUntraced(function* ({ groups, id }) {
        const who = yield* allowed("Enrol")
        return yield* Effect.orDie(credentials.setGroups(who, id, groups)).pipe(there("Device", id))
      })
    })
  })
)
