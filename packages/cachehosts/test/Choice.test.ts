import { assert, describe, it } from "@effect/vitest"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { type CacheHost, nameOf, type Provider } from "../src/CacheHost.ts"
import type { Failure } from "../src/CacheHosts.ts"
import * as Choice from "../src/Choice.ts"

const cache = (host: string, provider: Provider = "Policy", protocol: CacheHost["protocol"] = "http:"): CacheHost => ({
  host,
  port: protocol === "http:" ? 80 : 443,
  protocol,
  provider
})
const [a, b, c] = [cache("a"), cache("b"), cache("c")]
const url = "http://origin.example/file" as ContentUrl
const elsewhere = "http://origin.example:8080/file" as ContentUrl
const minute = 60_000

const unreachable: Failure = { _tag: "Unreachable", detail: "refused" }
const broken: Failure = { _tag: "Broken", detail: "503" }
const status = (of: number): Failure => ({ _tag: "Status", status: of })

/** What came of asking, in order. */
const after = (...events: ReadonlyArray<readonly [CacheHost, Failure, number, ContentUrl?]>) =>
  events.reduce((marks, [one, failure, at, of = url]) => Choice.failed(marks, one, of, failure, at), Choice.none)

const asked = (
  usable: ReadonlyArray<CacheHost>,
  marks: Choice.Marks,
  { of = url, at = 0 }: { readonly of?: ContentUrl; readonly at?: number } = {}
) => {
  const choice = Choice.choose({ usable, without: usable.length === 0 ? "NoneKnown" : undefined }, marks, of, at)
  return choice._tag === "Use" ? nameOf(choice.cache).slice(7) : `${choice.why} until ${choice.until}`
}

/** Of a caller that does not ask `a`. */
const chooseWithoutA = (usable: ReadonlyArray<CacheHost>, marks: Choice.Marks) =>
  Choice.choose({ usable, without: undefined }, marks, url, 2, (one) => one.host === "a")

describe("Of several cache servers", () => {
  it("the first is asked until it fails, then the next", () => {
    assert.strictEqual(asked([a, b], Choice.none), "a")
    assert.strictEqual(asked([a, b], after([a, unreachable, 0])), "b")
  })

  it("each has its turn when the one before breaks, and then the first again", () => {
    let marks = Choice.none
    const turns = Array.from({ length: 7 }, (_, n) => {
      const turn = asked([a, b, c], marks, { at: n })
      marks = Choice.failed(marks, cache(turn), url, broken, n)
      return turn
    })
    assert.deepStrictEqual(turns, ["a", "b", "c", "a", "b", "c", "a"])
  })

  it("the first is asked again first when its trouble is 15 minutes old", () => {
    const marks = after([a, broken, 0])
    assert.strictEqual(asked([a, b], marks, { at: 15 * minute - 1 }), "b")
    assert.strictEqual(asked([a, b], marks, { at: 15 * minute }), "a")
  })

  it("those that the caller leaves out are passed over, also when the others fail, and where none is left nothing ends that", () => {
    assert.deepStrictEqual(chooseWithoutA([a, b], after([a, broken, 0], [b, broken, 1])), { _tag: "Use", cache: b })
    assert.deepInclude(chooseWithoutA([a, b], after([b, unreachable, 1])), { why: "Banned", until: 900_001 })
    assert.deepInclude(chooseWithoutA([a], Choice.none), { why: "Banned", until: undefined })
  })

  it("one alone that breaks is asked on", () => assert.strictEqual(asked([a], after([a, broken, 0])), "a"))
})

describe("A ban", () => {
  it("of a host that was not reached is for all origins and 15 minutes", () => {
    const marks = after([a, unreachable, 0])
    assert.strictEqual(asked([a], marks, { at: 15 * minute - 1 }), "Banned until 900000")
    assert.strictEqual(asked([a], marks, { of: elsewhere }), "Banned until 900000")
    assert.strictEqual(asked([a], marks, { at: 15 * minute }), "a")
  })

  it("after a 4xx is for that origin alone, by scheme, host and port", () => {
    const marks = after([a, status(403), 0])
    assert.strictEqual(asked([a], marks), "Banned until 900000")
    assert.strictEqual(asked([a, b], marks), "b")
    assert.strictEqual(asked([a], marks, { of: elsewhere }), "a")
    assert.strictEqual(asked([a], marks, { of: "https://origin.example/file" as ContentUrl }), "a")
    assert.strictEqual(
      asked([a], marks, { of: "http://origin.example/other?x=1" as ContentUrl }),
      "Banned until 900000"
    )
    assert.strictEqual(asked([a], marks, { at: 15 * minute }), "a")
  })

  it("is not for a 5xx, which gives the next its turn", () => {
    assert.strictEqual(asked([a], after([a, status(503), 0])), "a")
    assert.strictEqual(asked([a, b], after([a, status(503), 0])), "b")
    assert.strictEqual(asked([a], after([a, status(399), 0])), "a")
    assert.strictEqual(asked([a], after([a, status(400), 0])), "Banned until 900000")
    assert.strictEqual(asked([a], after([a, status(499), 0])), "Banned until 900000")
  })

  it("of all ends with the first of them", () => {
    const marks = after([a, unreachable, 5 * minute], [b, status(404), 2 * minute])
    assert.strictEqual(asked([a, b], marks, { at: 6 * minute }), `Banned until ${17 * minute}`)
    assert.strictEqual(Choice.nextEnd(marks, 6 * minute), 17 * minute)
    assert.strictEqual(Choice.nextEnd(marks, 17 * minute), 20 * minute)
    assert.isUndefined(Choice.nextEnd(marks, 20 * minute))
  })

  it("is of the place: another port of the host may be asked", () => {
    assert.strictEqual(asked([{ ...a, port: 8080 }], after([a, unreachable, 0])), "a:8080")
  })

  it("is told of with its end, and not when it is over", () => {
    const marks = after([a, unreachable, 0], [a, status(404), minute])
    assert.deepStrictEqual(Choice.ban(marks, a, minute), {
      bannedUntil: 15 * minute,
      refusedOrigins: new Map([["http://origin.example", 16 * minute]])
    })
    assert.deepStrictEqual(Choice.ban(marks, a, 16 * minute), { bannedUntil: undefined, refusedOrigins: new Map() })
  })

  it("takes no more memory than 64 hosts with 256 origins", () => {
    let marks = Choice.none
    for (let n = 0; n < 2000; n++) {
      marks = Choice.failed(marks, cache(`h${n % 100}`), url, unreachable, n)
      marks = Choice.failed(marks, a, `http://o${n}/` as ContentUrl, status(404), n)
    }
    assert.strictEqual(marks.size, 64)
    assert.strictEqual(marks.get("http://a")?.origins.size, 256)
    assert.strictEqual(asked([a], marks, { of: "http://o1999/" as ContentUrl }), `Banned until ${1999 + 15 * minute}`)
    assert.strictEqual(Choice.failed(marks, b, url, unreachable, 60 * minute).size, 1)
  })
})

describe("A https URL", () => {
  const secret = "https://origin.example/file" as ContentUrl
  it("is told in plain text to nobody that only the network names", () => {
    for (const provider of ["Dhcp", "DnsSd"] as const) {
      assert.strictEqual(asked([cache("a", provider)], Choice.none, { of: secret }), "NotAllowed until undefined")
      assert.strictEqual(asked([cache("a", provider)], Choice.none), "a")
      assert.strictEqual(asked([cache("a", provider, "https:")], Choice.none, { of: secret }), "/a")
    }
  })

  it("is told to those that the policy or the service names as they are named", () => {
    for (const provider of ["Policy", "Service"] as const) {
      assert.strictEqual(asked([cache("a", provider)], Choice.none, { of: secret }), "a")
    }
  })
})
