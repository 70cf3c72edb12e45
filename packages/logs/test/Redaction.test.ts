import { assert, describe, it } from "@effect/vitest"
import { Said } from "@piecework/logs"
import { redact, redactField } from "@piecework/logs/Redaction"
import { Cause, Effect, Logger, Redacted, Schema } from "effect"

class Trouble extends Schema.TaggedError<Trouble>()("Trouble", { text: Schema.String, cause: Schema.Defect() }) {
  override get message(): string {
    return this.text
  }
}

/** Everything that an entry becomes of, said with these parts. */
const entryOf = (...said: ReadonlyArray<unknown>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const logger = Logger.make((options) => {
      lines.push(JSON.stringify(Said.entryOf({ program: "test", processId: 1, threadId: 0 }, Said.of(options))))
    })
    yield* Effect.logError(...said).pipe(Effect.provide(Logger.layer([logger])))
    return lines.join("\n")
  })

const id = "0123456789abcdef"

/** How a secret may stand in what is said. */
const positions: { readonly [name: string]: (secret: string) => string } = {
  "the query of a URL": (secret) => `GET https://host.example:8443/a/b.iso?sig=${secret}&x=1 failed`,
  "a query without a name": (secret) => `asked /a/b?${secret}`,
  "a query that is encoded": (secret) => `asked http://cache/http%3A%2F%2Forigin%2Ff%3Fsig%3D${secret}`,
  "the fragment of a URL": (secret) => `https://host.example/a#access_token=${secret}`,
  "the password in a URL": (secret) => `proxy http://user:${secret}@proxy.example:3128/ refused`,
  "the user in a URL": (secret) => `ftp://${secret}@host/`,
  "a password before a host": (secret) => `proxy user:${secret}@proxy.example:3128`,
  "the Authorization header": (secret) => `Authorization: Basic ${secret}`,
  "an Authorization header with a parameter": (secret) => `authorization: Digest username="a", response="${secret}"`,
  "a bearer": (secret) => `sent Bearer ${secret} to it`,
  "a cookie": (secret) => `Set-Cookie: session=${secret}; Path=/`,
  "a header in JSON": (secret) => `{"host":"a","proxy-authorization":"Bearer ${secret}"}`,
  "a password": (secret) => `password: ${secret}`,
  "a password that is assigned": (secret) => `PGPASSWORD=${secret} psql`,
  "a quoted password": (secret) => `password = "two words ${secret}"`,
  "a connection string": (secret) => `postgres://piecework:${secret}@db/piecework`,
  "an API key": (secret) => `x-api-key: ${secret}`,
  "an operator's token": (secret) => `presented pwo_${id}_${secret}.`,
  "a device's credential in the middle of a word": (secret) => `file/tmp/xpwd_${id}_${secret}`,
  "something like a token": (secret) => `token (pwe_${secret})`,
  "a private key": (secret) => `-----BEGIN EC PRIVATE KEY-----\n${secret}\n-----END EC PRIVATE KEY-----`
}

describe("Redaction", () => {
  const secrets = { secret: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9]{12}[A-Za-z0-9_-]{0,31}$/)) }

  for (const [name, say] of Object.entries(positions)) {
    it.effect.prop(
      `takes a secret out of ${name}, wherever that is said`,
      secrets,
      ({ secret }) =>
        Effect.gen(function* () {
          const text = say(secret)
          const nested = new Error("outside", { cause: new Error("between", { cause: new Error(text) }) })
          const trouble = new Trouble({ text, cause: new Error(text) })
          const all = yield* entryOf(
            text,
            new Error(text),
            nested,
            trouble,
            new AggregateError([new Error(text)], text),
            { what: text, deep: { list: [text, { more: text }] }, map: new Map([["a", text]]), error: trouble },
            Cause.fail(trouble),
            Cause.die(nested),
            Cause.die(text)
          ).pipe(Effect.annotateLogs({ note: text, [text.slice(0, 200)]: 1 }))
          assert.notInclude(all, secret, text)
          assert.include(all, "…")
        }),
      { arbitrary: { runs: 20 } }
    )
  }

  it.effect.prop(
    "takes out what has the name of a secret, whatever it looks like",
    { ...secrets },
    ({ secret }) =>
      Effect.gen(function* () {
        const all = yield* entryOf("said", {
          authorization: secret,
          headers: { Cookie: [secret], "x-Api-Key": { value: secret } },
          pairs: [["Authorization", secret]],
          hidden: Redacted.make(secret),
          bytes: Buffer.from(secret),
          contentKey: secret,
          password: new Map([["a", secret]])
        })
        assert.notInclude(all, secret)
      }),
    { arbitrary: { runs: 20 } }
  )

  it("finds a secret that was cut in two, for what is long is cut before it is looked through", () => {
    const long = `${"x".repeat(4_000)} Authorization: Bearer ${"s3cret".repeat(100)}`
    assert.notInclude(redact(long), "s3cret")
    assert.notInclude(redact(`${"x".repeat(4_060)} pwd_${id}_${"s3cret".repeat(9)}`), "s3cret")
  })

  it("leaves what is no secret as it is", () => {
    for (const text of [
      "Peer 0123abcd… at [fe80::1%eth0]:7680 cannot be reached; check that TCP port 7680 is open.",
      "The state folder /var/lib/piecework cannot be used (EACCES); choose another with --state.",
      "http://origin.example/@types/node.tgz was fetched: is that right?",
      "DO-ab-pwA_xyzzy_0123456789-abcdefghijklmnopqrstu is a content",
      "The service's key pwk_abcdefgh is public",
      "Basic rules apply"
    ])
      assert.strictEqual(redact(text), text)
    assert.strictEqual(redactField("token", id), id)
    assert.strictEqual(redactField("tokens", 5), 5)
  })

  it("says of what was taken out where it was", () => {
    assert.strictEqual(redact("see http://u:p@h/a?b=c now"), "see http://…@h/a?… now")
    assert.strictEqual(redact(`was pwo_${id}_${"a".repeat(43)}, gone`), `was pwo_${id}_…, gone`)
  })

  it("takes time in proportion to the text", () => {
    const began = performance.now()
    for (const of of [
      "a",
      "/",
      "?",
      "@",
      "://",
      "pw_",
      "password ",
      "Bearer ",
      "cookie",
      "'",
      "-----BEGIN PRIVATE KEY"
    ]) {
      redact(of.repeat(100_000))
    }
    // Milliseconds; it takes a few, and would take minutes if a pattern went back and forth.
    assert.isBelow(performance.now() - began, 5_000)
  })
})
