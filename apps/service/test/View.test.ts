import { assert, describe, it } from "@effect/vitest"
import { defaultFolder } from "../src/DataFolder.ts"
import * as Amount from "../src/view/Amount.ts"
import { progressLine } from "../src/view/ProgressLine.ts"

describe("An amount of bytes", () => {
  const rows: ReadonlyArray<readonly [number, string]> = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1000 B"],
    [1536, "1.5 KiB"],
    [1_048_576, "1.0 MiB"],
    [52_428_800, "50.0 MiB"],
    [1_023 * 1_048_576, "1023.0 MiB"],
    [5_368_709_120, "5.0 GiB"]
  ]
  for (const [n, shown] of rows) it(`of ${n} is ${shown}`, () => assert.strictEqual(Amount.bytes(n), shown))
})

describe("The progress line", () => {
  const progress = { name: "a.iso", hashed: 524_288, total: 1_048_576, elapsed: 1000, columns: 80 }

  it("shows name, bar, share, size and rate", () => {
    const line = progressLine(progress)
    assert.match(line, /^a\.iso \[#+-+\] 50 % of 1\.0 MiB {2}512\.0 KiB\/s$/)
    assert.isBelow(line.length, 80)
  })

  it("fits into any terminal, and moves no cursor whatever the file is called", () => {
    for (const columns of [1, 10, 30, 40, 60, 80, 200]) {
      const line = progressLine({ ...progress, name: `\u001B[2J${"long".repeat(50)}`, columns })
      assert.isBelow(line.length, Math.max(columns, 1) + (columns === 1 ? 1 : 0))
      assert.notInclude(line, "\u001B")
    }
  })

  it("is full for a file without bytes", () => {
    assert.include(progressLine({ ...progress, hashed: 0, total: 0 }), "100 %")
  })
})

describe("The data folder", () => {
  const user = { uid: 1000, home: "/home/a" }
  const rows: ReadonlyArray<readonly [string, { readonly [name: string]: string }, number, string]> = [
    ["is systemd's", { STATE_DIRECTORY: "/var/lib/x", XDG_STATE_HOME: "/s" }, 0, "/var/lib/x"],
    ["is the first of systemd's", { STATE_DIRECTORY: "/var/lib/x:/var/lib/y" }, 1000, "/var/lib/x"],
    ["is the machine's for root", { XDG_STATE_HOME: "/s" }, 0, "/var/lib/piecework-service"],
    ["is among the user's state", { XDG_STATE_HOME: "/s" }, 1000, "/s/piecework-service"],
    ["is among the user's state by default", {}, 1000, "/home/a/.local/state/piecework-service"]
  ]
  for (const [what, env, uid, path] of rows) {
    it(`${what}`, () => assert.strictEqual(defaultFolder(env, { ...user, uid }), path))
  }
})
