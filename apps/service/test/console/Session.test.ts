/** Operators' sessions in a browser, at a real service over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import * as SwarmRpcs from "@piecework/swarm/SwarmRpcs"
import * as TrustRpcs from "@piecework/trust/TrustRpcs"
import { Effect, Schedule } from "effect"
import { ask, cookieOf, make, own, resultOf, rpc, type Said, session, signedIn } from "./Operators.ts"

const stateOf = ({ body }: Said) =>
  body as {
    readonly _tag: string
    readonly scopes?: ReadonlyArray<string>
    readonly maySignIn?: boolean
    readonly hint?: string
  }

/** Whether the calls of a page are answered. */
const mayAsk = (url: string, headers: Readonly<Record<string, string>>) =>
  Effect.map(rpc(url + SwarmRpcs.path, "Totals", null, headers), ({ status }) => status)

describe("A session", () => {
  it.live("is had for a token, in a cookie that no script and no other page can use, and does what the token may", () =>
    Effect.gen(function* () {
      const { tokenFor, url } = yield* make()
      const { id, token } = yield* tokenFor("Read")
      const said = yield* session(url, "POST", own, { token })
      assert.strictEqual(said.status, 200)
      assert.deepInclude(said.body, { _tag: "SignedIn", operator: id, name: "someone", scopes: ["Read"] })
      assert.notInclude(JSON.stringify(said.body), "pw", "no secret in what scripts see")
      const cookie = said.headers.get("set-cookie") ?? ""
      for (const part of ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=43200"]) assert.include(cookie, part)
      assert.strictEqual(said.headers.get("cache-control"), "no-store")

      const page = { ...own, cookie: cookieOf(said) }
      assert.strictEqual(yield* mayAsk(url, page), 200)
      const { status } = yield* session(url, "GET", page)
      assert.strictEqual(status, 200)
      assert.deepInclude((yield* session(url, "GET", page)).body, { _tag: "SignedIn", operator: id })
      const change = { name: "x", scopes: ["Admin"] }
      const refused = yield* rpc(url + TrustRpcs.path, "CreateToken", change, page)
      assert.deepInclude(resultOf(refused), { reason: "NotAllowed" })
    })
  )

  it.live("is nothing without the page's header, from another page, or at paths that are not for operators", () =>
    Effect.gen(function* () {
      const { tokenFor, url } = yield* make()
      const page = yield* signedIn(url, (yield* tokenFor("Admin")).token)
      const { cookie = "" } = page
      const others: ReadonlyArray<Readonly<Record<string, string>>> = [
        { cookie, "content-type": "application/json" },
        { ...page, origin: "https://elsewhere.example" },
        { ...page, origin: "null" },
        // Another port of the same machine is the same site to a browser.
        { ...page, origin: "http://127.0.0.1:1" },
        { ...page, "sec-fetch-site": "same-site" },
        { ...page, "sec-fetch-site": "cross-site" }
      ]
      for (const headers of others) {
        assert.strictEqual(yield* mayAsk(url, headers), 401, JSON.stringify(headers))
        assert.strictEqual(stateOf(yield* session(url, "GET", headers))._tag, "SignedOut")
      }
      for (const headers of others) {
        assert.strictEqual((yield* session(url, "DELETE", headers)).status, 403)
        assert.strictEqual((yield* session(url, "POST", headers, { token: "x" })).status, 403)
      }
      const fine = { ...page, origin: url, "sec-fetch-site": "same-origin" }
      assert.strictEqual(yield* mayAsk(url, fine), 200)
    })
  )

  it.live("is over when its operator signs out, and when its token is revoked", () =>
    Effect.gen(function* () {
      const { credentials, tokenFor, url } = yield* make()
      const { id, token } = yield* tokenFor("Read")
      const [one, two] = [yield* signedIn(url, token), yield* signedIn(url, token)]
      const over = (page: Readonly<Record<string, string>>) =>
        mayAsk(url, page).pipe(
          Effect.repeat({ until: (status) => status === 401, schedule: Schedule.spaced("200 millis") }),
          Effect.timeout("30 seconds")
        )
      const said = yield* session(url, "DELETE", one)
      assert.deepInclude(said.body, { _tag: "SignedOut", maySignIn: true })
      assert.match(said.headers.get("set-cookie") ?? "", /^piecework=; Max-Age=0/)
      yield* over(one)
      assert.strictEqual(yield* mayAsk(url, two), 200)
      yield* credentials.revoke({ _tag: "Operator", id: "local", scopes: ["Admin"] }, "Operator", id)
      yield* over(two)
      const after = yield* session(url, "GET", two)
      assert.strictEqual(stateOf(after)._tag, "SignedOut")
      assert.match(after.headers.get("set-cookie") ?? "", /Max-Age=0/)
    })
  )

  it.live("is had for no token that is not an operator's, and for nothing that is none", () =>
    Effect.gen(function* () {
      const { credentials, tokenFor, url } = yield* make()
      const page = yield* signedIn(url, (yield* tokenFor("Read")).token)
      const ofSession = (page["cookie"] ?? "").replace(/^piecework=/, "")
      const who = { _tag: "Operator", id: "local", scopes: ["Admin"] } as const
      const enrolment = yield* credentials.issue(who, {
        kind: "Enrolment",
        name: "e",
        groups: [],
        uses: 1,
        expiresAt: null
      })
      const wrong = `pwo_${"0".repeat(16)}_${"a".repeat(43)}`
      for (const token of [ofSession, `pwe_${enrolment.credential.id}_${"a".repeat(43)}`, wrong, "hello"]) {
        const said = yield* session(url, "POST", own, { token })
        assert.strictEqual(said.status, 401, token.slice(0, 3))
        assert.deepStrictEqual(said.body, { error: "This token is not accepted." })
        assert.isNull(said.headers.get("set-cookie"))
      }
      assert.strictEqual((yield* session(url, "POST", own, { hello: 1 })).status, 400)
      assert.strictEqual((yield* session(url, "POST", own, { token: "x".repeat(2000) })).status, 413)
    })
  )

  it.live(
    "is not had over plain HTTP from another machine, which is told why; a proxy with HTTPS makes a cookie for HTTPS",
    () =>
      Effect.gen(function* () {
        const { tokenFor, url } = yield* make({ proxies: ["127.0.0.1"] })
        const { token } = yield* tokenFor("Read")
        const from = { ...own, "x-forwarded-for": "203.0.113.9" }
        const state = stateOf(yield* session(url, "GET", from))
        assert.deepInclude(state, { _tag: "SignedOut", maySignIn: false })
        assert.match(state.hint ?? "", /HTTPS only/)
        assert.strictEqual((yield* session(url, "POST", from, { token })).status, 403)

        const secure = { ...from, "x-forwarded-proto": "https" }
        const said = yield* session(url, "POST", secure, { token })
        assert.match(said.headers.get("set-cookie") ?? "", /^__Host-piecework=pws_.*; Secure$/)
        const page = { ...secure, cookie: cookieOf(said) }
        assert.strictEqual(yield* mayAsk(url, page), 200)
        assert.strictEqual(yield* mayAsk(url, { ...from, cookie: cookieOf(said).replace("__Host-", "") }), 403)
      })
  )

  it.live("has tries that are counted like those with any other token", () =>
    Effect.gen(function* () {
      const { url } = yield* make()
      const statuses = new Set<number>()
      for (let n = 0; n < 120 && !statuses.has(429); n++) {
        statuses.add((yield* session(url, "POST", own, { token: `pwo_${"0".repeat(16)}_${"a".repeat(43)}` })).status)
      }
      assert.deepStrictEqual([...statuses], [401, 429])
    })
  )

  it.live("is one of sixteen of its operator at most, of which the oldest goes", () =>
    Effect.gen(function* () {
      const { credentials, tokenFor, url } = yield* make()
      const { token } = yield* tokenFor("Read")
      for (let n = 0; n < 20; n++) yield* signedIn(url, token)
      assert.lengthOf(yield* credentials.list("Session", { most: 100 }), 16)
    })
  )

  it.live("is nothing that a page of another origin may ask for beforehand", () =>
    Effect.gen(function* () {
      const { url } = yield* make()
      const answer = yield* Effect.promise(() =>
        fetch(`${url}${SwarmRpcs.path}`, {
          method: "OPTIONS",
          headers: { origin: "https://elsewhere.example", "access-control-request-headers": "x-piecework-console" }
        })
      )
      assert.isNull(answer.headers.get("access-control-allow-origin"))
      assert.isAtLeast(answer.status, 400)
      assert.strictEqual((yield* ask(url + SwarmRpcs.path, "POST", own, {})).status, 401)
    })
  )
})
