import { assert, describe, it, vi } from "@effect/vitest"
import { maxBytes } from "@piecework/ledger/Bounds"
import { decode } from "@piecework/ledger/Ledger"
import { mostOfKind, mostParties } from "@piecework/ledger/Recorder"
import * as Recorder from "@piecework/ledger/Recorder"
import { encode } from "@piecework/ledger/Thinning"
import { Result } from "effect"
import { made } from "./made.ts"

const idOf = (n: number) => n.toString(16).padStart(40, "0")

describe("a recorder", () => {
  it("counts what is said again, and keeps when it was so first and last", () => {
    const { recorder, passes } = made()
    recorder.note({ _tag: "Offered", from: "Service", peers: 2 })
    passes(1000)
    recorder.note({ _tag: "Offered", from: "Service", peers: 2 })
    recorder.note({ _tag: "Offered", from: "Service", peers: 3 })
    assert.deepStrictEqual(recorder.snapshot().entries, [
      { _tag: "Offered", from: "Service", peers: 2, at: 0, times: 2, last: 1000 },
      { _tag: "Offered", from: "Service", peers: 3, at: 1000 }
    ])
  })

  it("writes as text what it is told once for each time, whether it was said before or not", () => {
    const { recorder } = made()
    const written = vi.spyOn(JSON, "stringify")
    try {
      for (const peers of [2, 2, 3, 3, 2]) recorder.note({ _tag: "Offered", from: "Service", peers })
      assert.strictEqual(written.mock.calls.length, 5)
    } finally {
      written.mockRestore()
    }
    assert.deepStrictEqual(
      recorder.snapshot().entries.map(({ times = 1 }) => times),
      [2, 2, 1]
    )
  })

  it("keeps of each kind the first and the last, whatever is said of others", () => {
    const { recorder, passes } = made()
    recorder.note({ _tag: "Mode", mode: "Lan", reason: "Requested" })
    for (let n = 0; n < 10_000; n++) {
      passes(1)
      recorder.note({ _tag: "Failure", source: "origin:http://o", reason: "Closed", detail: `${n}` })
    }
    const { dropped, entries } = recorder.snapshot()
    const failures = entries.flatMap((entry) => (entry._tag === "Failure" ? [entry.detail] : []))
    assert.strictEqual(failures.length, mostOfKind)
    assert.strictEqual(failures[0], "0")
    assert.strictEqual(failures.at(-1), "9999")
    assert.strictEqual(dropped, 10_000 - mostOfKind)
    assert.strictEqual(entries[0]?._tag, "Mode")
  })

  it("has lines for so many peers, and sums up the others", () => {
    const { recorder } = made()
    for (let n = 0; n < 2000; n++) {
      recorder.dialled(idOf(n))
      recorder.refused(idOf(n), "Unreachable")
    }
    const { parties } = recorder.snapshot()
    assert.strictEqual(parties.length, mostParties + 1)
    assert.strictEqual(parties.at(-1)?.dials, 2000 - mostParties)
    assert.strictEqual(
      parties.reduce((sum, party) => sum + (party.refused?.["Unreachable"] ?? 0), 0),
      2000
    )
  })

  it("keeps no query of a URL, wherever somebody wrote one", () => {
    const { recorder } = made("https://user.example/f?sig=SECRET#SECRET")
    recorder.note({ _tag: "Mode", mode: "Simple", reason: "PhfMissing", detail: "No http://h/f.phf?t=SECRET, alas." })
    recorder.failed("origin:http://h", "Stalled", "The server of http://h/f?t=SECRET stopped sending.")
    recorder.ended({ outcome: "Failed", error: "NoProgressError", sentence: "Nothing from http://h/f?t=SECRET." })
    const json = encode(recorder.snapshot())
    assert.notInclude(json, "SECRET")
    assert.include(json, "https://user.example/f")
  })

  it("stays small whatever it is told: memory, and the file", () => {
    const { recorder, passes } = made()
    const pieces = 4096
    recorder.sized(pieces, 1_048_576)
    for (let n = 0; n < 10_000; n++) {
      const peer = idOf(n % 5000)
      passes(1)
      if (n % 7 === 0) recorder.offered("Lan", [{ id: peer, address: `10.0.0.${n % 255}:7680`, kind: "Lan" }])
      recorder.asked(`peer:${peer}`, n % pieces, 1, "Rarest")
      recorder.held(`peer:${peer}`, n % pieces, n < pieces)
      recorder.failed(`peer:${peer}`, `Reason${n}`, "x".repeat(3000))
      recorder.cancelled(`peer:${peer}`, `Other${n}`)
    }
    recorder.note({ _tag: "Mode", mode: "Lan", reason: "Requested" })
    const json = encode(recorder.snapshot())
    assert.isAtMost(Buffer.byteLength(json), maxBytes)
    const read = Result.getOrThrow(decode(json))
    assert.isTrue(read.entries.some(({ _tag }) => _tag === "Mode"))
    assert.strictEqual(
      read.pieces?.sums.reduce((sum, { pieces: n }) => sum + n, 0),
      pieces
    )
  })

  it("that keeps nothing answers an empty ledger that can be read", () => {
    Recorder.silent.note({ _tag: "InTurn" })
    assert.isTrue(Result.isSuccess(decode(encode(Recorder.silent.snapshot()))))
  })
})
