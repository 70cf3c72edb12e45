/**
 * Who presents a token. What was found is remembered, so that a device that joins every few seconds costs a hash and a look into
 * memory; everything remembered is forgotten when credentials have changed, which is looked for every two seconds. So a
 * token that is revoked is good for three seconds at most, wherever in the service it was revoked.
 */
import { anonymous, type Identity } from "@piecework/cloud/Identity"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Clock, Context, Effect, Layer, Option, Result, Schema } from "effect"
import { Credentials } from "./Credentials.ts"
import { identityOf, judge, type Refusal } from "./Judgement.ts"
import * as Token from "./Token.ts"

/** The token is not accepted. Why, and whose it claims to be, is for the log and not for who presents it. */
export class TokenRefused extends Schema.TaggedError<TokenRefused>()("TokenRefused", {
  reason: Schema.Literals(["Malformed", "Unknown", "Wrong", "Revoked", "Expired", "UsedUp"]),
  /** As "pwd_0123456789abcdef"; absent when it names nobody. */
  claimed: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return "This token is not accepted."
  }
}

export class Authenticator extends Context.Service<
  Authenticator,
  {
    /** Who presents it, when that is remembered. Takes a microsecond. */
    readonly recall: (token: string, now: number) => Identity | undefined
    /** Who presents it, as the database says. Every refusal takes one look into it and one comparison, whatever its reason. */
    readonly identify: (token: string) => Effect.Effect<Identity, TokenRefused | DatabaseError>
  }
>()("@piecework/trust/Authenticator") {
  static readonly layer: Layer.Layer<Authenticator, never, Credentials> = Layer.effect(
    Authenticator,
    Effect.suspend(() => make)
  )

  /** For a process without credentials: whoever presents a token is nobody there, and is told nothing about it. */
  static readonly layerNone: Layer.Layer<Authenticator> = Layer.succeed(Authenticator, {
    recall: () => anonymous,
    identify: () => Effect.succeed(anonymous)
  })
}

/** Milliseconds between looks for changes. */
const lookEvery = 2_000
/** While the database cannot be asked, milliseconds for which what is remembered is still believed: nobody can revoke then. */
const longestBelief = 300_000
/** Milliseconds between notes of when tokens were used, and between two for the same one. */
const noteEvery = 15_000
const usedAgainAfter = 60_000
/** Most tokens that are remembered, 300 bytes each; beyond it the one remembered first is forgotten. */
export const mostRemembered = 65_536
/** Most uses noted between two writes. */
const mostNoted = 10_000

interface Remembered {
  readonly identity: Identity
  readonly id: string
  readonly expiresAt: number
  /** When its use was noted last. */
  notedAt: number
}

const make = Effect.gen(function* () {
  const credentials = yield* Credentials
  const remembered = new Map<string, Remembered>()
  const uses = new Map<string, number>()
  let changes = yield* Effect.orElseSucceed(credentials.changes, () => -1)
  let believedUntil = (yield* Clock.currentTimeMillis) + longestBelief

  const look = Effect.gen(function* () {
    const found = yield* Effect.result(credentials.changes)
    const now = yield* Clock.currentTimeMillis
    if (Result.isFailure(found)) {
      if (now > believedUntil) remembered.clear()
      return
    }
    believedUntil = now + longestBelief
    if (found.success !== changes) remembered.clear()
    changes = found.success
  })
  yield* look.pipe(Effect.delay(lookEvery), Effect.forever, Effect.forkScoped)

  const write = Effect.gen(function* () {
    if (uses.size === 0) return
    const noted = new Map(uses)
    uses.clear()
    yield* credentials
      .used(noted)
      .pipe(Effect.catch((error) => Effect.logWarning(`When tokens were used could not be noted: ${error.message}`)))
  })
  yield* write.pipe(Effect.delay(noteEvery), Effect.forever, Effect.forkScoped)
  yield* Effect.addFinalizer(() => write)

  const note = (one: Remembered, now: number) => {
    if (now - one.notedAt < usedAgainAfter || uses.size >= mostNoted) return
    one.notedAt = now
    uses.set(one.id, now)
  }

  const remember = (hash: string, one: Remembered) => {
    if (remembered.size >= mostRemembered) {
      const first = remembered.keys().next()
      if (!first.done) remembered.delete(first.value)
    }
    remembered.set(hash, one)
  }

  return Authenticator.of({
    recall: (token, now) => {
      if (token.length > Token.maxLength) return undefined
      const one = remembered.get(Token.hashOf(token))
      if (one === undefined || one.expiresAt <= now) return undefined
      note(one, now)
      return one.identity
    },

    identify: Effect.fn("Authenticator.identify")(function* (token) {
      const presented = Token.present(token)
      const before = changes
      const found = yield* credentials.find(presented.named?.id ?? "")
      const now = yield* Clock.currentTimeMillis
      const refuse = (reason: Refusal) => {
        const { named } = presented
        const claimed = named === undefined ? {} : { claimed: `${Token.prefixes[named.kind]}_${named.id}` }
        return Effect.fail(new TokenRefused({ reason, ...claimed }))
      }
      const kept = Option.getOrUndefined(found)
      const judged = judge(presented, kept, now)
      if (Result.isFailure(judged)) return yield* refuse(judged.failure)
      const { credential, isFormer } = judged.success
      const identity = identityOf(credential)
      if (identity === undefined) return yield* refuse("Unknown")
      if (!isFormer && typeof kept?.formerHash === "string") yield* credentials.settle(credential.id)
      const one = { identity, id: credential.id, expiresAt: credential.expiresAt ?? Infinity, notedAt: 0 }
      if (now - (credential.usedAt ?? 0) < usedAgainAfter) one.notedAt = credential.usedAt ?? 0
      note(one, now)
      // What was read before a change that was seen meanwhile may be what it was before the change.
      if (before === changes) remember(presented.hash, one)
      return identity
    })
  })
})
