/** How long a refusal takes must not say why it is one. */
import { assert, it } from "@effect/vitest"
import { Identity } from "@piecework/cloud"
import { Database } from "@piecework/database"
import { Effect, Layer, Redacted } from "effect"
import { Audit } from "../src/Audit.ts"
import { Authenticator } from "../src/Authenticator.ts"
import { Credentials } from "../src/Credentials.ts"

const stored = Credentials.layer.pipe(Layer.provideMerge(Audit.layer), Layer.provide(Database.Database.layerMemory))
const who = Identity.local

/** Rounds in which each is tried once; the middle of so many is steady even where much else runs. */
const rounds = 400

it.live("A refusal takes alike long whatever its reason", () =>
  Effect.gen(function* () {
    const credentials = yield* Credentials
    const { identify } = yield* Authenticator
    const enrolment = yield* credentials.issue(who, {
      kind: "Enrolment",
      name: "e",
      groups: ["lab"],
      uses: 2,
      expiresAt: null
    })
    const enrolled = credentials.enrol(Redacted.value(enrolment.token), "pc")
    const good = Redacted.value((yield* enrolled).token)
    const gone = yield* enrolled
    yield* credentials.revoke(who, "Device", gone.credential.id)
    const expired = yield* credentials.issue(who, { kind: "Operator", name: "o", scopes: ["Read"], expiresAt: 1 })
    const last = good.endsWith("A") ? "E" : "A"
    const refused: ReadonlyArray<readonly [what: string, token: string]> = [
      ["nothing", ""],
      ["truncated", good.slice(0, -1)],
      ["oversized", good + "A".repeat(8_000)],
      ["wrong from the first letter on", `${good.slice(0, 21)}${"A".repeat(43)}`],
      ["wrong in the last letter", good.slice(0, -1) + last],
      ["of nobody", `pwd_${"0".repeat(16)}_${"A".repeat(43)}`],
      ["revoked", Redacted.value(gone.token)],
      ["expired", Redacted.value(expired.token)],
      ["used up", Redacted.value(enrolment.token)]
    ]
    const spent = new Map(refused.map(([what]) => [what, [] as Array<number>]))
    for (let round = 0; round < rounds; round++) {
      for (const [what, token] of refused) {
        const started = performance.now()
        const error = yield* Effect.flip(identify(token))
        const took = performance.now() - started
        assert.strictEqual(error._tag, "TokenRefused")
        if (round >= rounds / 4) spent.get(what)?.push(took)
      }
    }
    // The quickest fifth: what other programs on the machine take from us is not in it.
    const typical = [...spent.values()].map(
      (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 5)] ?? 0
    )
    const ratio = Math.max(...typical) / Math.min(...typical)
    assert.isBelow(ratio, 1.3, refused.map(([what], n) => `${what} ${typical[n]}`).join(", "))
  }).pipe(Effect.provide(Authenticator.layer.pipe(Layer.provideMerge(stored))))
)
