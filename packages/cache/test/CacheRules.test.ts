import { assert, describe, it } from "@effect/vitest"
import * as Policy from "@piecework/policy/Policy"
import type { Provider } from "@piecework/policy/Provider"
import { Schema } from "effect"
import * as CacheRules from "../src/CacheRules.ts"

const gib = 1_073_741_824
const mib = 1_048_576
const hour = 3_600_000
const day = 24 * hour
const now = 1000 * day

const policyOf = (values: { readonly [name: string]: unknown }, provider: Provider = "MachineFile") =>
  Policy.resolve([{ provider, values }])

interface Named extends CacheRules.Kept {
  readonly name: string
}

/** A content of 100 MiB that was fetched an hour ago, and used then. */
const content = (name: string, what: Partial<CacheRules.Kept> = {}): Named => ({
  name,
  bytes: 100 * mib,
  contentSize: 100 * mib,
  isComplete: true,
  completedAt: now - hour,
  usedAt: now - hour,
  isInUse: false,
  isPinned: false,
  expiresAt: undefined,
  policy: {},
  ...what
})

const roomy = CacheRules.termsOf(Policy.defaults, 1000 * gib)
const going = (
  contents: ReadonlyArray<Named>,
  terms: Partial<CacheRules.Terms> = {},
  situation: { readonly free?: number; readonly wanted?: number } = {}
) =>
  CacheRules.decide({ contents, free: situation.free, terms: { ...roomy, ...terms }, now, ...situation }).going.map(
    ({ kept, why }) => `${kept.name}: ${why}`
  )

describe("the budget", () => {
  const rows: ReadonlyArray<readonly [string, { readonly [name: string]: unknown }, number | undefined, number]> = [
    ["is a fifth of the disk where nobody says anything", {}, 1000 * gib, 200 * gib],
    ["is the part of the disk that is said", { DOMaxCacheSize: 1 }, 1000 * gib, 10 * gib],
    ["may be the whole disk", { DOMaxCacheSize: 100 }, 1000 * gib, 1000 * gib],
    [
      "is the absolute one where both are said",
      { DOMaxCacheSize: 1, DOAbsoluteMaxCacheSize: 30 },
      1000 * gib,
      30 * gib
    ],
    ["has no limit with an absolute one of 0", { DOAbsoluteMaxCacheSize: 0 }, 1000 * gib, Number.POSITIVE_INFINITY],
    ["has no limit on a disk that nobody knows", {}, undefined, Number.POSITIVE_INFINITY],
    ["may be absolute on a disk that nobody knows", { DOAbsoluteMaxCacheSize: 2 }, undefined, 2 * gib]
  ]
  for (const [name, values, disk, budget] of rows) {
    it(`${name}`, () => assert.strictEqual(CacheRules.termsOf(policyOf(values), disk).budget, budget))
  }

  it("leaves a twentieth of the disk free, whatever it is", () => {
    assert.strictEqual(CacheRules.termsOf(policyOf({ DOAbsoluteMaxCacheSize: 0 }), 1000 * gib).leastFree, 50 * gib)
    assert.strictEqual(CacheRules.termsOf(Policy.defaults, undefined).leastFree, 0)
  })

  it("lets go what was not used for longest, and no more than it needs", () => {
    const contents = [
      content("new", { usedAt: now - 1 }),
      content("old", { usedAt: now - 3 }),
      content("middle", { usedAt: now - 2 })
    ]
    assert.deepStrictEqual(going(contents, { budget: 300 * mib }), [])
    assert.deepStrictEqual(going(contents, { budget: 300 * mib - 1 }), ["old: OverBudget"])
    assert.deepStrictEqual(going(contents, { budget: 200 * mib }, { wanted: 1 }), [
      "old: OverBudget",
      "middle: OverBudget"
    ])
  })

  it("does not count what is pinned, and counts what is in use", () => {
    const contents = [content("pinned", { isPinned: true, usedAt: 0 }), content("free")]
    assert.deepStrictEqual(going(contents, { budget: 100 * mib }), [])
    const busy = [content("busy", { isInUse: true, usedAt: 0 }), content("free")]
    assert.deepStrictEqual(going(busy, { budget: 100 * mib }), ["free: OverBudget"])
  })

  it("lets nothing go for a content that is larger than all of it, which goes itself when it is here", () => {
    assert.deepStrictEqual(going([content("small")], { budget: 150 * mib }, { wanted: 151 * mib }), [])
    assert.deepStrictEqual(
      going([content("small", { usedAt: 0 }), content("large", { bytes: 151 * mib, contentSize: 151 * mib })], {
        budget: 150 * mib
      }),
      ["large: TooLarge"]
    )
  })
})

describe("the free disk", () => {
  it("is kept by letting contents go even where the budget is not used up", () => {
    const contents = [content("new"), content("old", { usedAt: 0 })]
    const leastFree = 50 * mib
    assert.deepStrictEqual(going(contents, { leastFree }, { free: 50 * mib }), [])
    assert.deepStrictEqual(going(contents, { leastFree }, { free: 50 * mib - 1 }), ["old: DiskFull"])
    assert.deepStrictEqual(going(contents, { leastFree }, { free: 60 * mib, wanted: 11 * mib }), ["old: DiskFull"])
    assert.deepStrictEqual(going(contents, { leastFree }, { free: 0, wanted: 100 * mib }), [
      "old: DiskFull",
      "new: DiskFull"
    ])
  })
})

const aged = (age: number, what: Partial<CacheRules.Kept> = {}) => content("it", { completedAt: now - age, ...what })
const agedBy = (provider: Provider) => CacheRules.termsOf(policyOf({ DOMaxCacheAge: 7200 }, provider), undefined)

describe("the age", () => {
  const day3 = 3 * day

  it("counts from the end of the download: three days where nobody says anything", () => {
    assert.deepStrictEqual(going([aged(day3 - 1)]), [])
    assert.deepStrictEqual(going([aged(day3)]), ["it: Expired"])
    assert.deepStrictEqual(going([aged(day3, { usedAt: now })]), ["it: Expired"])
  })

  it("has no end with 0", () => {
    const terms = CacheRules.termsOf(policyOf({ DOMaxCacheAge: 0 }), undefined)
    assert.deepStrictEqual(going([aged(500 * day)], terms), [])
  })

  it("is what the content's policy says, unless the device's own settings say something", () => {
    const byPolicy = { policy: { maxAge: hour } }
    assert.deepStrictEqual(going([aged(hour, byPolicy)]), ["it: Expired"])
    assert.deepStrictEqual(going([aged(500 * day, { policy: { maxAge: 0 } })]), [])
    assert.deepStrictEqual(going([aged(hour, byPolicy)], agedBy("KeyValueService")), ["it: Expired"])
    assert.deepStrictEqual(going([aged(hour, byPolicy)], agedBy("MachineFile")), [])
    assert.deepStrictEqual(going([aged(2 * hour, byPolicy)], agedBy("MachineFile")), ["it: Expired"])
  })

  it("gives way to an expiry that was set by hand, sooner or later", () => {
    assert.deepStrictEqual(going([aged(day3, { expiresAt: now + 1 })]), [])
    assert.deepStrictEqual(going([aged(1, { expiresAt: now })]), ["it: Expired"])
  })

  it("never outlasts the date that the content's policy gives", () => {
    const policy = { expireAt: now }
    assert.deepStrictEqual(going([aged(1, { policy })]), ["it: Expired"])
    assert.deepStrictEqual(going([aged(1, { policy, expiresAt: now + day })]), ["it: Expired"])
  })

  it("of a download that nobody goes on with counts from its last byte, a day or what its policy says", () => {
    const begun = { isComplete: false, isPinned: true, expiresAt: now - 1 }
    assert.deepStrictEqual(going([aged(day - 1, { ...begun, usedAt: now - day + 1 })]), [])
    assert.deepStrictEqual(going([aged(day, { ...begun, usedAt: now - day })]), ["it: Unfinished"])
    assert.deepStrictEqual(going([aged(hour, { isComplete: false, policy: { unfinishedFor: hour } })]), [
      "it: Unfinished"
    ])
  })

  it("of a content whose times lie ahead counts from now", () => {
    const ahead = aged(-500 * day)
    assert.strictEqual(CacheRules.expiryOf(ahead, roomy, now), now + day3)
  })
})

describe("a small content", () => {
  it("is not kept once it is complete", () => {
    const small = (what: Partial<CacheRules.Kept>) =>
      content("it", { contentSize: 50 * mib - 1, bytes: 50 * mib - 1, ...what })
    assert.deepStrictEqual(going([small({})]), ["it: TooSmall"])
    assert.deepStrictEqual(going([small({ contentSize: 50 * mib })]), [])
    assert.deepStrictEqual(going([small({ isPinned: true })]), [])
    assert.deepStrictEqual(going([small({ isInUse: true })]), [])
    assert.deepStrictEqual(going([small({ isComplete: false })]), [])
  })
})

describe("a pin", () => {
  it("keeps a content from age, size, budget and a full disk", () => {
    const pinned = content("it", { isPinned: true, completedAt: 0, usedAt: 0, contentSize: 1 })
    assert.deepStrictEqual(going([pinned], { budget: 0, leastFree: gib }, { free: 0 }), [])
  })

  it("ends with the expiry that was set by hand", () => {
    assert.deepStrictEqual(going([content("it", { isPinned: true, expiresAt: now + 1 })]), [])
    assert.deepStrictEqual(going([content("it", { isPinned: true, expiresAt: now })]), ["it: Expired"])
  })

  it("is for whole contents", () => {
    const begun = content("it", { isPinned: true, isComplete: false, usedAt: now - 1 })
    assert.deepStrictEqual(going([begun], { budget: 0 }), ["it: OverBudget"])
  })
})

it("goes by the stated order: expired, unwanted, then the least recently used", () => {
  const contents = [
    content("recent", { usedAt: now - 1 }),
    content("stale", { usedAt: now - 2 }),
    content("small", { contentSize: 1 }),
    content("expired later", { completedAt: now - 4 * day }),
    content("expired first", { completedAt: now - 5 * day, usedAt: now })
  ]
  assert.deepStrictEqual(going(contents, { budget: 100 * mib }), [
    "expired first: Expired",
    "expired later: Expired",
    "small: TooSmall",
    "stale: OverBudget"
  ])
})

const sum = (all: ReadonlyArray<CacheRules.Kept>) => all.reduce((bytes, kept) => bytes + kept.bytes, 0)

describe("whatever is in the cache", () => {
  const span = Schema.Int.check(Schema.isBetween({ minimum: -1000, maximum: 1000 }))
  const size = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))
  const KeptAny = Schema.Struct({
    bytes: size,
    contentSize: size,
    isComplete: Schema.Boolean,
    completedAt: span,
    usedAt: span,
    isInUse: Schema.Boolean,
    isPinned: Schema.Boolean,
    expiresAt: Schema.UndefinedOr(span),
    policy: Schema.Struct({ maxAge: Schema.UndefinedOr(size), expireAt: Schema.UndefinedOr(span) })
  })
  const TermsAny = Schema.Struct({
    budget: size,
    leastFree: size,
    leastSize: size,
    maxAge: size,
    isAgeFirm: Schema.Boolean
  })

  it.prop(
    "the budget and the free disk hold but for pins and what is in use; nothing pinned or in use goes; nothing goes in vain",
    [Schema.Array(KeptAny), TermsAny, size, size],
    ([contents, terms, free, wanted]) => {
      const at = 0
      const { going: gone, ...left } = CacheRules.decide({ contents, terms, free, wanted, now: at })
      const isBound = (kept: CacheRules.Kept) => kept.isInUse || CacheRules.isPinnedNow(kept, at)
      assert.isFalse(gone.some(({ kept }) => isBound(kept)))
      const stays = contents.filter((kept) => !gone.some((one) => one.kept === kept))
      const counted = stays.filter((kept) => !CacheRules.isPinnedNow(kept, at))
      assert.strictEqual(left.used, sum(counted))
      assert.strictEqual(left.free, free + sum(gone.map(({ kept }) => kept)))

      const coming = wanted > terms.budget ? 0 : wanted
      const isWell = left.used + coming <= terms.budget && (left.free ?? 0) - wanted >= terms.leastFree
      const movable = counted.filter((kept) => !kept.isInUse && kept.bytes > 0)
      assert.isTrue(isWell || movable.length === 0)
      assert.isFalse(counted.some((kept) => !kept.isInUse && CacheRules.expiryOf(kept, terms, at) <= at))

      // Before the last that went for room, there was not enough.
      const last = gone.at(-1)
      if (last === undefined || (last.why !== "OverBudget" && last.why !== "DiskFull")) return
      const was = { used: left.used + last.kept.bytes, free: (left.free ?? 0) - last.kept.bytes }
      assert.isTrue(was.used + coming > terms.budget || was.free - wanted < terms.leastFree)
    }
  )

  it.prop(
    "no order of the contents changes what goes, where times differ",
    [Schema.Array(KeptAny), TermsAny],
    ([some, terms]) => {
      const contents = some.map((kept, i) => ({ ...kept, usedAt: i, name: String(i) }))
      const decided = (all: ReadonlyArray<Named>) =>
        CacheRules.decide({ contents: all, terms, free: 100, now: 500 })
          .going.map(({ kept, why }) => `${kept.name} ${why}`)
          .toSorted()
      assert.deepStrictEqual(decided(contents), decided(contents.toReversed()))
    }
  )
})
