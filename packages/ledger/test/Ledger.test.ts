import { assert, describe, it } from "@effect/vitest"
import { maxBytes } from "@piecework/ledger/Bounds"
import * as Find from "@piecework/ledger/Find"
import { decode, type Ledger } from "@piecework/ledger/Ledger"
import { encode } from "@piecework/ledger/Thinning"
import { Result } from "effect"
import { made } from "./made.ts"

const some = (change: Partial<Ledger> = {}): Ledger => ({ ...made().recorder.snapshot(), ...change })
const refusalOf = (json: string) => {
  const decoded = decode(json)
  return Result.isFailure(decoded) ? decoded.failure.reason : "none"
}

describe("the JSON of a ledger", () => {
  it("is read as it was written", () => {
    const { recorder } = made()
    recorder.note({ _tag: "HttpHeld", until: null, settings: ["DODelayForegroundDownloadFromHttp"] })
    recorder.sized(3, 1024)
    recorder.joined("origin:http://o", "Origin")
    recorder.asked("origin:http://o", 0, 3, "Leased")
    recorder.held("origin:http://o", 1, true)
    recorder.bad("origin:http://o")
    recorder.ended({ outcome: "Done" })
    const ledger = recorder.snapshot()
    assert.deepStrictEqual(Result.getOrThrow(decode(encode(ledger))), ledger)
  })

  for (const [what, json, reason] of [
    ["longer than a ledger may be", " ".repeat(maxBytes + 1), "TooLong"],
    ["no JSON", "{", "NotALedger"],
    ["another JSON", "[]", "NotALedger"],
    ["of a newer version", '{"version":2}', "Newer"],
    ["with a number that is none", JSON.stringify(some({ heldBytes: -1 })), "NotALedger"],
    ["with more than it may hold", JSON.stringify({ ...some(), url: "x".repeat(5000) }), "NotALedger"],
    ["with an entry of no kind", JSON.stringify({ ...some(), entries: [{ _tag: "Spell", at: 0 }] }), "NotALedger"]
  ] as const) {
    it(`is refused when it is ${what}`, () => {
      assert.strictEqual(refusalOf(json), reason)
    })
  }

  it("loses details before decisions where it would be too long", () => {
    const entries = [
      { _tag: "Mode", mode: "Lan", reason: "Requested", at: 0 } as const,
      ...Array.from({ length: 900 }, (_, n) => ({
        _tag: "Failure" as const,
        source: "origin:http://o",
        reason: "Closed",
        detail: "x".repeat(300),
        at: n
      })),
      { _tag: "InTurn", at: 1 } as const
    ]
    const read = Result.getOrThrow(decode(encode(some({ entries }))))
    assert.deepStrictEqual(
      read.entries.filter(({ _tag }) => _tag !== "Failure").map(({ _tag }) => _tag),
      ["Mode", "InTurn"]
    )
    // The oldest of them went.
    assert.strictEqual(read.entries.findLast(({ _tag }) => _tag === "Failure")?.at, 899)
    assert.isAbove(read.dropped, 0)
  })
})

describe("who names a download", () => {
  const job = some({ job: "6f0cdd7a-0000-4000-8000-000000000000", contentId: `DO-${"a".repeat(43)}` })

  for (const [what, meant, isMeant] of [
    ["its job", { text: "6F0CDD7A-0000-4000-8000-000000000000" }, true],
    ["the beginning of its job", { text: "6f0c" }, true],
    ["another job", { text: "6f0d" }, false],
    ["its content", { text: `DO-${"a".repeat(43)}` }, true],
    ["the beginning of its content", { text: "DO" }, true],
    ["an empty text", { text: "" }, false],
    ["its file", { text: "f", path: "/data/f" }, true],
    ["another file", { text: "f", path: "/other/f" }, false],
    ["its URL, with whatever query", { text: "http://o/f?x=1" }, true],
    ["nothing", {}, true]
  ] as const) {
    it(`by ${what} ${isMeant ? "means" : "does not mean"} it`, () => {
      assert.strictEqual(Find.match([job], meant)?.ledger, isMeant ? job : undefined)
    })
  }

  it("by what several ids begin with is told which they are, and not by what is the name of one", () => {
    const [a, ab] = ["a", "ab"].map((name) => some({ contentId: `DO-${name}`, began: 2 }))
    const again = some({ contentId: "DO-a", began: 3 })
    assert.exists(a)
    assert.exists(ab)
    assert.deepStrictEqual(Find.match([a, ab, again], { text: "DO" }), { ledger: again, ids: ["DO-a", "DO-ab"] })
    assert.deepStrictEqual(Find.match([ab, a], { text: "DO-a" }), { ledger: a, ids: [] })
    assert.deepStrictEqual(Find.match([a, again], { text: "DO" })?.ids, ["DO-a"])
  })

  it("means the one that began last", () => {
    assert.strictEqual(Find.latest([some({ began: 1 }), some({ began: 3 }), some({ began: 2 })])?.began, 3)
    assert.isUndefined(Find.latest([]))
  })
})
