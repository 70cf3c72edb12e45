import { assert, describe, it } from "@effect/vitest"
import * as JobError from "../src/JobError.ts"

/** All numbers of the table of spec.md §3.8 (0x80D0…), in its order, and the others that it uses. */
const zone = `1001 2002 2003 2004 2005 200B 200C 200D 2010 2011 2012 2013 2014 2015 2016 2017 2018 2019 201A 201C 201D 201B 201E
  2200 2201 2202 2203 2204 3001 3002 3801 3802 3803 3804 3805 3806 3807 3808 3809 380A 380B 380C 380D 5001 5002 5010 5011 5012
  6800 6802 6803 6804 6805 6806 6807 6808 6809 680A 680B 680C 680D 680E 680F 6810 6811 6812 6813 6814 6815 6816 6817 6818 6819`
const others = [0x80070490, 0x80070057, 0x80004001, 0x800c0002]
const known = [...zone.split(/\s+/).map((low) => Number.parseInt(`80D0${low}`, 16)), ...others]
const ours = JobError.names.map(JobError.code)

describe("The numbers of errors", () => {
  for (const number of known) {
    it(`have a name and a sentence for ${JobError.hex(number)}`, () => {
      assert.strictEqual(ours.filter((code) => code === number).length, 1)
      assert.notStrictEqual(JobError.describe(number), "the job failed")
      assert.strictEqual(JobError.unsigned(JobError.signed(number)), number)
    })
  }

  it("are all different", () => {
    assert.strictEqual(new Set(ours).size, ours.length)
  })

  it("are negative in the form that programs get", () => {
    assert.strictEqual(JobError.signed(JobError.code("InvalidState")), -2133843949)
    assert.strictEqual(JobError.signed(JobError.code("NotFound")), -2147023728)
    for (const number of ours) assert.isBelow(JobError.signed(number), 0)
  })

  it("say by their zone alone whether a job goes on by itself", () => {
    const transient = JobError.names.filter((name) => JobError.isTransient(JobError.code(name)))
    assert.deepStrictEqual(
      transient.map((name) => JobError.code(name) & 0xffff),
      [0x3801, 0x3802, 0x3803, 0x3804, 0x3805, 0x3806, 0x3807, 0x3808, 0x3809, 0x380a, 0x380b, 0x380c, 0x380d]
    )
    assert.isFalse(JobError.isTransient(0x80073801))
    assert.isTrue(JobError.isTransient(JobError.signed(0x80d03805)))
  })

  it("say an HTTP status and what the system said", () => {
    assert.strictEqual(JobError.status(404), 0x80190194)
    assert.strictEqual(JobError.describe(JobError.status(404)), "the server answers with HTTP 404")
    assert.strictEqual(JobError.system("EEXIST"), 0xc0d00011)
    assert.strictEqual(JobError.describe(JobError.system("EEXIST")), "the system says EEXIST")
    assert.strictEqual(JobError.describe(0x12345678), "the job failed")
  })
})

describe("An error", () => {
  it("is one clear sentence with its number", () => {
    assert.strictEqual(JobError.JobError.of("NotFound").message, "There is no such job (0x80070490).")
    assert.strictEqual(
      JobError.JobError.of("InvalidState", "j").message,
      "Job j: the job is in no state for this (0x80D02013)."
    )
  })
})
