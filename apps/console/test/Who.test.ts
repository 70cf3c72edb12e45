import { assert, describe, it } from "@effect/vitest"
import * as Who from "../src/pages/audit/Who.ts"

const names = new Map([["1b80", "Maria Lopez"]])

describe("Who changed something", () => {
  it("is called by the name of the token, and by what the log says", () => {
    assert.deepStrictEqual(Who.of("operator 1b80", names), { name: "Maria Lopez", who: "operator 1b80" })
  })

  it("has no name where none is known, and a device never that of an operator", () => {
    for (const who of ["operator local", "device 1b80", "anonymous"]) assert.isUndefined(Who.of(who, names).name)
  })
})
