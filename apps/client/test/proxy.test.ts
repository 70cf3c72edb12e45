import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import * as Proxy from "../src/command/proxy.ts"
import * as Programs from "./support/programs.ts"
import * as Site from "./support/site.ts"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

it.live("an agent's proxy fetches a published file once, and counts it among its downloads", () =>
  Effect.gen(function* () {
    // Slow enough that a request which is given up has not cost the file.
    const site = yield* Site.published({ length: 12_000_000, bytesPerSecond: 20_000_000 })
    const { bytes, origin } = site
    const own = ["--state", site.state("one"), "--json"]
    const flags = ["--no-rest", "--no-api", "--proxy", "127.0.0.1:0"]
    const agent = yield* Programs.start("piecework", site.agent("one", ...flags))
    const proxy = yield* agent.line((line) => (JSON.parse(line) as { readonly proxy?: string }).proxy)
    const fetched = Effect.promise(async () => {
      const response = await fetch(`http://${proxy}/${origin.url}`)
      return { verified: response.headers.get("cache-status"), bytes: new Uint8Array(await response.arrayBuffer()) }
    })
    const first = yield* fetched
    assert.strictEqual(first.verified, 'piecework; detail="verified"')
    assert.strictEqual(sha256(first.bytes), sha256(bytes))
    const sent = origin.sent()
    // The file, what its first looks ask for, and what a busy machine gives up.
    assert.isBelow(sent, 1.5 * bytes.length)
    assert.strictEqual(sha256((yield* fetched).bytes), sha256(bytes))
    assert.isBelow(origin.sent() - sent, bytes.length / 2)

    // It is noted down just after its last byte was sent.
    const status = yield* Effect.repeat(
      Effect.map(Programs.run("piecework", ["status", ...own]), ({ stdout }) => {
        const [one] = JSON.parse(stdout) as ReadonlyArray<Record<string, unknown>>
        return one
      }),
      { until: (one) => one?.["Status"] === "Caching" && one["BytesFromHttp"] !== 0, times: 60 }
    )
    assert.deepInclude(status, { FileSize: bytes.length, SourceURL: origin.url })
    // The line carried the file, and what was thrown away.
    assert.strictEqual(Number(status?.["BytesFromHttp"]) - Number(status?.["BytesWasted"]), bytes.length)
    yield* agent.kill("SIGTERM")
    assert.strictEqual((yield* agent.exit).code, 0)
  }).pipe(Effect.scoped)
)

const parsed = (text: string) => Result.getOrUndefined(Proxy.parse(text))

describe("Where the proxy listens", () => {
  it("is on loopback and at its usual port, unless told otherwise", () => {
    assert.deepStrictEqual(parsed("8080"), { host: "127.0.0.1", port: 8080 })
    assert.deepStrictEqual(parsed(":8080"), { host: "127.0.0.1", port: 8080 })
    assert.deepStrictEqual(parsed("localhost"), { host: "localhost", port: 7681 })
    assert.deepStrictEqual(parsed("0.0.0.0:1"), { host: "0.0.0.0", port: 1 })
    assert.deepStrictEqual(parsed("[::1]:0"), { host: "::1", port: 0 })
    for (const text of ["", "a b", "host:99999", "::1", "host:", "http://host:1"]) {
      assert.isTrue(Result.isFailure(Proxy.parse(text)), text)
    }
  })
})

describe("The environment of an agent with a proxy", () => {
  const environment = {
    http_proxy: "http://127.0.0.1:7681",
    HTTPS_PROXY: "localhost:7681",
    no_proxy: "x",
    all_proxy: "p:1"
  }
  it("names no proxy that is this one", () => {
    const proxy = Option.some({ host: "127.0.0.1", port: 7681 })
    assert.deepStrictEqual(Proxy.environmentOf({ proxy }, environment), { no_proxy: "x", all_proxy: "p:1" })
    assert.deepStrictEqual(Proxy.environmentOf({ proxy: Option.none() }, environment), environment)
    const other = Option.some({ host: "127.0.0.1", port: 7682 })
    assert.deepStrictEqual(Proxy.environmentOf({ proxy: other }, environment), environment)
  })
})
