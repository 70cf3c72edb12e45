import { assert, describe, it } from "@effect/vitest"
import { noBytes } from "@piecework/domain/SourceKind"
import type { Progress } from "@piecework/download/Progress"
import * as Amount from "../src/view/Amount.ts"
import * as Summary from "../src/view/Summary.ts"
import * as ProgressLine from "../src/view/ProgressLine.ts"

const progress = (heldBytes: number, received: Partial<Progress["received"]>): Progress => ({
  phase: "Fetching",
  mode: "Lan",
  why: undefined,
  fileBytes: 100 * 1024,
  requestedBytes: 100 * 1024,
  heldBytes,
  received: { ...noBytes, ...received },
  sent: 0,
  connections: { LinkLocal: 0, Lan: 0, Group: 0, Internet: 0 },
  peers: 3,
  banned: []
})

const before = { progress: progress(10 * 1024, { Origin: 10 * 1024 }), now: 1_000 }
const after = { progress: progress(50 * 1024, { Origin: 20 * 1024, Lan: 30 * 1024 }), now: 3_000 }

describe("the progress line", () => {
  it("shows how far, how fast, how long, and what comes from where", () => {
    const line = ProgressLine.render(before, after, 200)
    assert.include(line, "50 %")
    assert.include(line, "20.0 KiB/s")
    assert.include(line, "0:03 left")
    assert.include(line, "origin 20.0 KiB 5.0 KiB/s")
    assert.include(line, "3 LAN peers 30.0 KiB 15.0 KiB/s")
  })

  it("fits the terminal", () => {
    for (const columns of [1, 20, 80]) assert.isAtMost(ProgressLine.render(before, after, columns).length, columns)
  })

  it("keeps the peers on a narrow terminal, and lets the bar and the rates go first", () => {
    const line = ProgressLine.render(before, after, 60)
    assert.isAtMost(line.length, 60)
    assert.include(line, "3 LAN peers 30.0 KiB")
    assert.include(line, "50 %")
    assert.notInclude(line, "…")
  })

  it("says what it waits for while no source answers", () => {
    const none = { ...after, progress: { ...progress(0, {}), phase: "Starting", fileBytes: undefined } } as const
    const refused = { ...none, progress: { ...none.progress, retrying: "connection refused" } }
    assert.strictEqual(ProgressLine.render(none, none, 80), "0 B  asking where to get it")
    assert.strictEqual(ProgressLine.render(refused, refused, 80), "0 B  asking again: connection refused")
  })

  it("says that it stays with a cache server that fails, and for how long", () => {
    const cache = { reason: "Asked", host: "http://cache", provider: "Policy", until: undefined } as const
    const of = (failure: string | undefined, originFrom: number | null | undefined) => {
      const sample = { ...after, progress: { ...progress(0, {}), cache: { ...cache, failure, originFrom } } }
      return ProgressLine.render(sample, sample, 80)
    }
    assert.include(of("connection refused", after.now + 90_000), "  cache server failed, origin in 1:30")
    assert.include(of("connection refused", null), "  cache server failed, no origin")
    assert.notInclude(of("connection refused", undefined), "cache server")
    assert.notInclude(of(undefined, null), "cache server")
  })

  it("says from when on HTTP is taken while it waits for peers", () => {
    const waiting = { ...after, progress: { ...progress(0, {}), peers: 0, httpAfterMillis: 60_000 } }
    assert.include(ProgressLine.render(waiting, waiting, 80), "waiting for peers, HTTP from 1:00 on")
    const met = { ...after, progress: { ...after.progress, httpAfterMillis: 60_000 } }
    assert.include(ProgressLine.render(before, met, 200), "  HTTP from 1:00 on")
  })

  it("counts one peer as one", () => {
    const alone = { ...after, progress: { ...after.progress, peers: 1 } }
    assert.include(ProgressLine.render(before, alone, 200), "1 LAN peer 30.0 KiB")
  })

  it("promises no time while nothing moves or the size is unknown", () => {
    assert.isUndefined(ProgressLine.remaining(after, after))
    assert.isUndefined(
      ProgressLine.remaining(before, { ...after, progress: { ...after.progress, fileBytes: undefined } })
    )
  })
})

describe("the summary", () => {
  it("says once why there were no peers", () => {
    const reason = { reason: "ServiceUnreachable", detail: "The Geo service at http://s cannot be reached." } as const
    assert.strictEqual(Summary.because(reason), "the Geo service at http://s cannot be reached")
    assert.isTrue(Summary.isAgainstTheWish(reason))
    assert.isFalse(Summary.isAgainstTheWish({ reason: "NoService" }))
  })
})

describe("amounts", () => {
  it("are written as people read them", () => {
    assert.deepStrictEqual([0, 1023, 1536, 10 * 1024 * 1024, 3e12].map(Amount.bytes), [
      "0 B",
      "1023 B",
      "1.5 KiB",
      "10.0 MiB",
      "2.7 TiB"
    ])
    assert.deepStrictEqual([0, 75, 3700].map(Amount.seconds), ["0:00", "1:15", "1:01:40"])
    assert.strictEqual(Amount.percent(2, 1), "100 %")
  })
})
