import { assert, describe, it } from "@effect/vitest"
import { PolicySettings } from "@piecework/cloud/PolicySettings"
import * as Policy from "../src/pages/contents/Policy.ts"

const before = Policy.formOf(
  new PolicySettings({ groups: ["lab"], maxCacheAgeSeconds: 86_400, foregroundQosBps: 1_250_000 })
)

describe("The form of a content's policy", () => {
  it("changes nothing that nobody touched", () => {
    assert.isTrue(Policy.isNothing(Policy.changeOf(before, before)))
    assert.deepStrictEqual([before.cacheDays, before.foreground, before.background], [1, 10, ""])
  })

  it("sets what was filled in, in the units of the service", () => {
    const { reset, set } = Policy.changeOf(before, {
      ...before,
      peersAllowed: false,
      groups: ["lab", "office"],
      expireAt: "2027-01-31T12:00",
      background: 2
    })
    assert.deepStrictEqual(
      { ...set },
      {
        peersAllowed: false,
        groups: ["lab", "office"],
        expireAtSeconds: Math.round(Date.parse("2027-01-31T12:00") / 1000),
        backgroundQosBps: 250_000
      }
    )
    assert.deepStrictEqual(reset, [])
  })

  it("gives what was emptied its default back", () => {
    const { reset, set } = Policy.changeOf(before, { ...before, groups: [], cacheDays: "", foreground: "" })
    assert.deepStrictEqual({ ...set }, {})
    assert.deepStrictEqual([...reset].toSorted(), ["foregroundQosBps", "groups", "maxCacheAgeSeconds"])
  })

  it("shows a moment as the reader's clock has it, and takes it back the same", () => {
    const form = Policy.formOf(new PolicySettings({ expireAtSeconds: 1_800_000_000 }))
    assert.isTrue(Policy.isNothing(Policy.changeOf(form, { ...form })))
    assert.strictEqual(Date.parse(form.expireAt) / 1000, 1_800_000_000)
  })
})
