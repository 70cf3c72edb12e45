import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Token from "../src/Token.ts"

describe("A token", () => {
  it.effect("says its kind and id, and has 256 bits that nobody knows", () =>
    Effect.gen(function* () {
      for (const kind of ["Operator", "Enrolment", "Device"] as const) {
        const { hash, id, text } = yield* Token.mint(kind)
        const shown = Redacted.value(text)
        assert.match(shown, new RegExp(`^${Token.prefixes[kind]}_${id}_[\\w-]{43}$`))
        assert.strictEqual(Buffer.from(shown.slice(-43), "base64url").length, 32)
        assert.deepStrictEqual(Token.present(shown), { named: { kind, id }, hash })
        assert.notInclude(hash, shown.slice(-43))
        assert.notInclude(`${String(text)} ${JSON.stringify(text)}`, shown.slice(-43))
      }
    })
  )

  it.effect("is another one each time", () =>
    Effect.gen(function* () {
      const texts = yield* Effect.replicateEffect(Token.mint("Device"), 200)
      assert.strictEqual(new Set(texts.map(({ text }) => Redacted.value(text).slice(-43))).size, 200)
      assert.strictEqual(new Set(texts.map(({ id }) => id)).size, 200)
    })
  )

  it.effect("keeps its id when it takes another's place", () =>
    Effect.gen(function* () {
      const first = yield* Token.mint("Device")
      const second = yield* Token.mint("Device", first.id)
      assert.strictEqual(second.id, first.id)
      assert.notStrictEqual(second.hash, first.hash)
    })
  )

  const secret = "A".repeat(43)
  const id = "0123456789abcdef"
  const malformed: ReadonlyArray<readonly [what: string, text: string]> = [
    ["nothing", ""],
    ["another prefix", `pwx_${id}_${secret}`],
    ["upper case in the id", `pwd_${id.toUpperCase()}_${secret}`],
    ["an id that is too short", `pwd_${id.slice(1)}_${secret}`],
    ["a truncated secret", `pwd_${id}_${secret.slice(1)}`],
    ["a secret with more", `pwd_${id}_${secret}A`],
    ["a blank behind it", `pwd_${id}_${secret} `],
    ["a line's end behind it", `pwd_${id}_${secret}\n`],
    ["letters that base64url has not", `pwd_${id}_${"é".repeat(43)}`],
    ["far too much", `pwd_${id}_${"A".repeat(100_000)}`]
  ]
  for (const [what, text] of malformed) {
    it(`with ${what} is nobody's`, () => {
      assert.isUndefined(Token.present(text).named)
    })
  }

  it("is compared whole", () => {
    const hash = Token.hashOf("one")
    assert.isTrue(Token.isSame(hash, Token.hashOf("one")))
    assert.isFalse(Token.isSame(hash, Token.hashOf("two")))
    assert.isFalse(Token.isSame(hash, hash.slice(1)))
    assert.isFalse(Token.isSame(hash, ""))
  })
})
