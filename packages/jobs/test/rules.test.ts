import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as CostPolicy from "../src/CostPolicy.ts"
import * as JobError from "../src/JobError.ts"
import type { JobStatus } from "../src/JobStatus.ts"
import * as NoProgress from "../src/NoProgress.ts"
import * as Notices from "../src/Notices.ts"
import * as Ranges from "../src/Ranges.ts"
import * as RetryDelay from "../src/RetryDelay.ts"
import * as Turns from "../src/Turns.ts"
import { connected, idOf } from "./support/jobs.ts"

const numberOf = <A>(result: Result.Result<A, number>) =>
  Result.isFailure(result) ? JobError.hex(result.failure) : result.success

describe("Ranges", () => {
  const invalid = "0x80D05010"
  const overlapping = "0x80D05012"
  it("may come in any order and touch each other", () => {
    const [a, b] = [
      { offset: 10, length: 5 },
      { offset: 15, length: null }
    ]
    assert.deepStrictEqual(Ranges.check([b, a]), Result.succeed([a, b]))
    assert.deepStrictEqual(Ranges.check([]), Result.succeed([]))
  })
  for (const [what, ranges, number] of [
    ["of no bytes", [{ offset: 0, length: 0 }], invalid],
    ["before the beginning", [{ offset: -1, length: 1 }], invalid],
    ["that is no whole number", [{ offset: 0.5, length: 1 }], invalid],
    ["too far away to count", [{ offset: Number.MAX_SAFE_INTEGER, length: 2 }], invalid],
    [
      "that begins in another",
      [
        { offset: 0, length: 5 },
        { offset: 4, length: 5 }
      ],
      overlapping
    ],
    [
      "behind one to the end",
      [
        { offset: 0, length: null },
        { offset: 9, length: 1 }
      ],
      overlapping
    ],
    [
      "that is there twice",
      [
        { offset: 3, length: 1 },
        { offset: 3, length: 1 }
      ],
      overlapping
    ]
  ] as const) {
    it(`refuse one ${what}`, () => assert.strictEqual(numberOf(Ranges.check(ranges)), number))
  }
  it("refuse too many", () => {
    const ranges = Array.from({ length: Ranges.most + 1 }, (_, n) => ({ offset: 2 * n, length: 1 }))
    assert.strictEqual(numberOf(Ranges.check(ranges)), invalid)
    assert.isTrue(Result.isSuccess(Ranges.check(ranges.slice(1))))
  })
  for (const [text, ranges] of [
    ["0-100", [{ offset: 0, length: 100 }]],
    [
      "0-100, 5000-",
      [
        { offset: 0, length: 100 },
        { offset: 5000, length: null }
      ]
    ],
    ["7-18446744073709551615", [{ offset: 7, length: null }]],
    [
      '[{"Offset":1,"Length":2},{"offset":3}]',
      [
        { offset: 1, length: 2 },
        { offset: 3, length: null }
      ]
    ],
    ['[{"Offset":1,"Length":18446744073709551615}]', [{ offset: 1, length: null }]],
    ["[]", []]
  ] as const) {
    it(`are read from ${text}`, () => assert.deepStrictEqual(Ranges.parse(text), Result.succeed([...ranges])))
  }
  it("are not read from anything else", () => {
    for (const text of [
      "x",
      "1",
      "-5",
      "1-2-3",
      "1--2",
      "1-2,",
      "[1]",
      "[{}]",
      "[null]",
      '[{"Offset":"1"}]',
      "[",
      "{}"
    ]) {
      assert.strictEqual(numberOf(Ranges.parse(text)), "0x80070057", text)
    }
    assert.strictEqual(numberOf(Ranges.parse('[{"Offset":1,"Other":1}]')), "0x80070057")
    assert.strictEqual(numberOf(Ranges.parse("0-1,".repeat(Ranges.most) + "9-1")), "0x80070057")
    assert.strictEqual(numberOf(Ranges.parse(" ".repeat(1_000_000))), "0x80070057")
  })
  it("add up to the bytes that are asked for", () => {
    assert.strictEqual(numberOf(Ranges.total([], 100)), 100)
    assert.strictEqual(
      numberOf(
        Ranges.total(
          [
            { offset: 90, length: null },
            { offset: 0, length: 5 }
          ],
          100
        )
      ),
      15
    )
  })
  it("lie within the file", () => {
    for (const range of [
      { offset: 100, length: null },
      { offset: 99, length: 2 }
    ]) {
      assert.strictEqual(numberOf(Ranges.total([range], 100)), invalid)
    }
  })
})

describe("No progress", () => {
  const silent = { bytes: 7, isBusy: false }
  /** Milliseconds until a job that gets nothing gives up. */
  const patience = (seconds: number | undefined) => {
    let tracker = NoProgress.begin(7, 0)
    for (let now = 0; ; now += 1000) {
      const looked = NoProgress.look(tracker, silent, seconds, now)
      if (looked.isTimedOut) return now
      tracker = looked.tracker
    }
  }
  it("is 30 idle looks, 10 s apart, when the caller says nothing", () =>
    assert.strictEqual(patience(undefined), 300_000))
  it("is as many looks as the caller's seconds are nearest to", () => {
    assert.deepStrictEqual([10, 14, 16, 60, 3600].map(patience), [10_000, 10_000, 20_000, 60_000, 3_600_000])
  })
  it("is forgotten with the first byte, and while there is other work", () => {
    const idle = { bytes: 7, idle: 29, nextLook: 10 }
    for (const seen of [
      { bytes: 8, isBusy: false },
      { bytes: 7, isBusy: true }
    ]) {
      assert.strictEqual(NoProgress.look(idle, seen, undefined, 10).tracker.idle, 0)
    }
    assert.isTrue(NoProgress.look(idle, silent, undefined, 10).isTimedOut)
    assert.isFalse(NoProgress.look(idle, silent, undefined, 9).isTimedOut)
  })
})

describe("The wait after a failure", () => {
  it("is 2 s at first, doubles and ends at 30 s", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 4, 5, 6, 1000].map(RetryDelay.after),
      [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]
    )
  })
})

describe("A notice", () => {
  const status: JobStatus = {
    id: idOf(1),
    state: "Transferring",
    error: 0,
    extended: 0,
    bytesTotal: 1000,
    bytesTransferred: 95
  }
  const told = { status, at: 0 }
  const due = (change: Partial<JobStatus>, pace: Notices.Pace, now: number) =>
    Notices.isDue(told, { ...status, ...change }, pace, now)
  const bySeconds = { seconds: 2, percent: 0 }
  const byPercent = { seconds: 0, percent: 10 }
  it("is due at once when there was none, and of a new state or error", () => {
    assert.isTrue(Notices.isDue(undefined, status, byPercent, 0))
    assert.isTrue(due({ state: "Paused" }, bySeconds, 0))
    assert.isTrue(due({ error: 1 }, bySeconds, 0))
    assert.isTrue(due({ extended: 1 }, bySeconds, 0))
  })
  it("is due of bytes after so many seconds", () => {
    assert.isFalse(due({ bytesTransferred: 900 }, bySeconds, 1999))
    assert.isTrue(due({ bytesTransferred: 96 }, bySeconds, 2000))
    assert.isFalse(due({}, bySeconds, 10_000))
  })
  it("is due of bytes after so many percent", () => {
    assert.isFalse(due({ bytesTransferred: 99 }, byPercent, 10_000))
    assert.isTrue(due({ bytesTransferred: 100 }, byPercent, 1))
    assert.isFalse(due({ bytesTotal: 0, bytesTransferred: 96 }, byPercent, 1))
  })
})

const wish = (id: string, since: number, isForeground = false) => ({ id, since, isForeground })

const first = (most: number, ...wishes: ReadonlyArray<Turns.Wish<string>>) => [...Turns.first(wishes, most)].toSorted()

describe("Turns", () => {
  it("go to whoever began first", () => {
    assert.deepStrictEqual(first(2, wish("c", 3), wish("a", 1), wish("b", 2)), ["a", "b"])
    assert.deepStrictEqual(first(1, wish("b", 1), wish("a", 1)), ["a"])
  })
  it("go to the foreground before the background, whoever began first", () => {
    assert.deepStrictEqual(first(2, wish("a", 1), wish("b", 2), wish("f", 3, true)), ["a", "f"])
    assert.deepStrictEqual(first(1, wish("f", 1, true), wish("g", 2, true)), ["f"])
  })
  it("are for all when there are enough", () =>
    assert.deepStrictEqual(first(8, wish("a", 1), wish("b", 2)), ["a", "b"]))
})

const on = (cost: CostPolicy.NetworkCost, asked: CostPolicy.Asked, isCellular = false) => {
  const number = CostPolicy.blocks(asked, { ...connected, cost, isCellular })
  return number === undefined ? "goes" : JobError.hex(number)
}

describe("The cost of a network", () => {
  const cost = "0x80D03801"
  const cellular = "0x80D03803"
  for (const [policy, expected] of [
    [0, ["goes", "goes", "goes", "goes"]],
    [1, ["goes", cost, cost, cost]],
    [2, ["goes", "goes", cost, cost]],
    [3, ["goes", "goes", "goes", cost]],
    [4, ["goes", "goes", cost, "goes"]],
    [5, ["goes", "goes", "goes", "goes"]]
  ] as const) {
    it(`is weighed by policy ${policy}`, () => {
      assert.deepStrictEqual(
        CostPolicy.costs.map((one) => on(one, { costPolicy: policy })),
        [...expected]
      )
    })
  }
  it("does not matter to jobs in the foreground, unless they say so", () => {
    assert.strictEqual(on("Roaming", { foregroundPriority: true }), "goes")
    assert.strictEqual(on("Roaming", {}), cost)
    assert.strictEqual(on("Roaming", { foregroundPriority: true, costPolicy: 3 }), cost)
  })
  it("is another matter than a cellular network", () => {
    assert.strictEqual(on("Unrestricted", { costPolicy: 5 }, true), cellular)
    assert.strictEqual(on("Unrestricted", { costPolicy: 0, disallowOnCellular: true }, true), cellular)
    assert.strictEqual(on("Unrestricted", { costPolicy: 0 }, true), "goes")
  })
})
