import { assert, describe, it } from "@effect/vitest"
import type { Choice, Failure } from "@piecework/cachehosts/CacheHosts"
import * as Policy from "@piecework/policy/Policy"
import * as CacheTurn from "../src/CacheTurn.ts"

const began = 1_000_000
const priorities = ["Foreground", "Background"] as const
type Priority = (typeof priorities)[number]

const use: Choice = {
  _tag: "Use",
  cache: { host: "cache", port: 80, protocol: "http:", provider: "Policy" }
}
const without = (why: Extract<Choice, { _tag: "Without" }>["why"], until?: number): Choice => ({
  _tag: "Without",
  why,
  until
})
const away: Failure = { _tag: "Unreachable", detail: "nobody there" }
const refused: Failure = { _tag: "Status", status: 403 }
const broken: Failure = { _tag: "Broken", detail: "HTTP 503" }

/** Rules of a job of that priority whose own delay is so many seconds; the other priority's is another one, which must not count. */
const rules = (priority: Priority, delay: number | undefined, peers?: number) => {
  const other = priority === "Foreground" ? "Background" : "Foreground"
  const values = {
    [`DODelayCacheServerFallback${other}`]: 12_345,
    ...(delay === undefined ? {} : { [`DODelayCacheServerFallback${priority}`]: delay }),
    ...(peers === undefined ? {} : { [`DODelay${priority}DownloadFromHttp`]: peers })
  }
  const policy = Policy.resolve([{ provider: "MachineFile", values }])
  return CacheTurn.rulesOf(policy, { began, mayPeer: peers !== undefined, priority })
}

interface Step {
  /** Who failed; a ban is another look. */
  readonly failed?: "Cache" | "Origin"
  readonly with?: Failure
  readonly grown?: boolean
  readonly choice?: Choice
  /** Seconds since the job began. */
  readonly at?: number
  readonly asks: "Cache" | "Origin" | number
}

/** Who is asked after each step; a number is a wait until so many seconds after the beginning. */
const play = (of: CacheTurn.Rules, steps: ReadonlyArray<Step>) => {
  let turn = CacheTurn.first
  const seen: Array<Step["asks"]> = []
  for (const step of steps) {
    const now = began + (step.at ?? 0) * 1000
    if (step.failed === "Cache") turn = CacheTurn.cacheFailed(turn, of, step.with ?? broken, step.grown ?? false, now)
    if (step.failed === "Origin") turn = CacheTurn.originFailed(turn, step.grown ?? false)
    const next = CacheTurn.next(turn, of, step.choice ?? use, now)
    turn = CacheTurn.gone(turn, of, step.choice ?? use, next)
    seen.push(next._tag === "Wait" ? (next.until - began) / 1000 : next._tag)
  }
  return { turn, seen }
}
const asked = (steps: ReadonlyArray<Step>) => steps.map(({ asks }) => asks)

const table: ReadonlyArray<{
  readonly delay?: number
  readonly peers?: number
  readonly says: string
  readonly steps: ReadonlyArray<Step>
}> = [
  { says: "the first request goes to the cache server", steps: [{ asks: "Cache" }] },
  { says: "the first failure sends it to the origin at once", steps: [{ failed: "Cache", asks: "Origin" }] },
  {
    says: "the first failure does so, too, when something had come",
    steps: [{ failed: "Cache", grown: true, asks: "Origin" }]
  },
  {
    says: "each has two attempts that bring nothing from then on",
    steps: [
      { failed: "Cache", asks: "Origin" },
      { failed: "Origin", asks: "Origin" },
      { failed: "Origin", asks: "Cache" },
      { failed: "Cache", asks: "Cache" },
      { failed: "Cache", asks: "Origin" },
      { failed: "Origin", asks: "Origin" },
      { failed: "Origin", asks: "Cache" }
    ]
  },
  {
    says: "an attempt that brought something is none of these",
    steps: [
      { failed: "Cache", asks: "Origin" },
      { failed: "Origin", asks: "Origin" },
      { failed: "Origin", grown: true, asks: "Origin" },
      { failed: "Origin", asks: "Origin" },
      { failed: "Origin", asks: "Cache" },
      { failed: "Cache", asks: "Cache" },
      { failed: "Cache", grown: true, asks: "Cache" },
      { failed: "Cache", asks: "Cache" }
    ]
  },
  {
    says: "a refusal is never asked for twice",
    steps: [
      { failed: "Cache", asks: "Origin" },
      { failed: "Origin", asks: "Origin" },
      { failed: "Origin", asks: "Cache" },
      { failed: "Cache", with: refused, asks: "Origin" }
    ]
  },
  {
    says: "while it is banned the origin is asked",
    steps: [
      { choice: without("Banned", began + 900_000), asks: "Origin" },
      { choice: use, at: 901, asks: "Cache" }
    ]
  },
  {
    delay: 60,
    says: "it stays until the delay is over, whatever fails",
    steps: [
      { failed: "Cache", with: away, at: 1, asks: "Cache" },
      { failed: "Cache", with: broken, at: 20, asks: "Cache" },
      { failed: "Cache", with: refused, at: 59, asks: "Cache" },
      { failed: "Cache", at: 60, asks: "Origin" }
    ]
  },
  {
    delay: 60,
    says: "what has turned to the origin never comes back",
    steps: [
      { failed: "Cache", at: 60, asks: "Origin" },
      { failed: "Origin", at: 61, asks: "Origin" },
      { failed: "Origin", at: 62, asks: "Origin" },
      { failed: "Origin", at: 63, asks: "Origin" }
    ]
  },
  { delay: 60, says: "one that delivers is not left when it is over", steps: [{ at: 3600, asks: "Cache" }] },
  {
    delay: 60,
    says: "while all are banned it waits, at most until the delay is over",
    steps: [
      { choice: without("Banned", began + 30_000), at: 5, asks: 30 },
      { choice: without("Banned", began + 900_000), at: 31, asks: 60 },
      { choice: without("Banned", began + 900_000), at: 60, asks: "Origin" },
      { choice: use, at: 901, asks: "Origin" }
    ]
  },
  {
    delay: 60,
    says: "where there is none to ask there is nothing to wait for",
    steps: [
      { choice: without("NoneKnown"), asks: "Origin" },
      { choice: without("SwitchedOff"), asks: "Origin" },
      { choice: without("OnVpn"), asks: "Origin" },
      { choice: without("NotAllowed"), asks: "Origin" },
      { choice: use, at: 1, asks: "Cache" }
    ]
  },
  {
    delay: 0,
    says: "a delay of 0 is over at once, so the first failure is the last",
    steps: [
      { asks: "Cache" },
      { failed: "Cache", asks: "Origin" },
      { failed: "Origin", asks: "Origin" },
      { failed: "Origin", asks: "Origin" },
      { failed: "Origin", asks: "Origin" }
    ]
  },
  {
    delay: -1,
    says: "the origin is never asked",
    steps: [
      { failed: "Cache", with: away, asks: "Cache" },
      { failed: "Cache", with: broken, at: 100_000, asks: "Cache" },
      { choice: without("Banned", began + 900_000), at: 5, asks: 900 },
      { choice: without("Banned"), at: 5, asks: Infinity },
      { choice: use, at: 10_000_000, asks: "Cache" }
    ]
  },
  {
    delay: -1,
    says: "it is asked where there is no cache server at all",
    steps: [
      { choice: without("NoneKnown"), asks: "Origin" },
      { choice: without("OnVpn"), asks: "Origin" }
    ]
  },
  {
    delay: 60,
    peers: 30,
    says: "the peers' delay goes first, then that of the cache server",
    steps: [{ asks: "Cache" }, { failed: "Cache", at: 89, asks: "Cache" }, { failed: "Cache", at: 90, asks: "Origin" }]
  },
  {
    peers: 30,
    says: "the origin waits for the peers also where the cache server has failed",
    steps: [
      { choice: without("NoneKnown"), at: 1, asks: 30 },
      { choice: without("Banned", began + 900_000), at: 1, asks: 30 },
      { choice: without("Banned", began + 900_000), at: 30, asks: "Origin" }
    ]
  }
]

/** What all downloads are told of it so many seconds after the beginning. */
const told = (priority: Priority, delay: number | undefined, failure: Failure, seconds: number) =>
  CacheTurn.told(rules(priority, delay), failure, began + seconds * 1000)._tag

describe.each(priorities)("a %s download", (priority) => {
  for (const { delay, peers, says, steps } of table) {
    const set = delay === undefined ? "without a delay" : `with a delay of ${delay} s`
    it(`${set}: ${says}`, () => assert.deepStrictEqual(play(rules(priority, delay, peers), steps).seen, asked(steps)))
  }

  it("ends with a refusal where the origin is never asked, and nowhere else", () => {
    assert.isTrue(CacheTurn.isFatal(rules(priority, -1), refused))
    assert.isFalse(CacheTurn.isFatal(rules(priority, -1), away))
    for (const delay of [undefined, 0, 60]) assert.isFalse(CacheTurn.isFatal(rules(priority, delay), refused))
  })

  it("has nobody banned for being away while it stays, nor for anything where it stays for ever", () => {
    assert.strictEqual(told(priority, undefined, away, 0), "Unreachable")
    assert.strictEqual(told(priority, 60, away, 59), "Broken")
    assert.strictEqual(told(priority, 60, away, 60), "Unreachable")
    assert.strictEqual(told(priority, 60, refused, 1), "Status")
    assert.strictEqual(told(priority, -1, away, 1e9), "Broken")
    assert.strictEqual(told(priority, -1, refused, 1), "Broken")
  })

  it("turns back from the origin when the settings come to forbid it", () => {
    const { turn } = play(rules(priority, undefined), [{ failed: "Cache", asks: "Origin" }])
    for (const delay of [-1, 60]) {
      assert.strictEqual(CacheTurn.next(turn, rules(priority, delay), use, began)._tag, "Cache")
    }
    const { turn: gone } = play(rules(priority, 60), [{ failed: "Cache", at: 60, asks: "Origin" }])
    assert.isTrue(CacheTurn.isThere(gone, rules(priority, -1), use))
    assert.isFalse(CacheTurn.isThere(gone, rules(priority, 60), use))
  })
})
