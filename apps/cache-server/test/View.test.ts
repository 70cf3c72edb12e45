import { assert, describe, it } from "@effect/vitest"
import type { Status } from "../src/control/Status.ts"
import * as FileTable from "../src/view/FileTable.ts"
import * as StatusText from "../src/view/StatusText.ts"

const done = { hits: 0, misses: 0, bytesOut: 0, bytesFromOrigin: 0, bytesFromParents: 0, bytesFromPeers: 0 }

const status: Status = {
  version: "0.1.0",
  name: "branch",
  pid: 7,
  startedAt: 0,
  isServing: true,
  http: "*:80",
  origins: [],
  parents: [],
  drives: [{ folder: "/srv/a", size: 2 * 1024 ** 3, used: 1536 }],
  connections: 1,
  seeding: 0,
  sinceStart: { ...done, hits: 3, misses: 1, hitRatio: 0.75, bytesOut: 4096, bytesFromOrigin: 1024, efficiency: 0.75 },
  lastHour: done
}

const told = (more: Partial<Status>) => StatusText.render({ ...status, ...more }, 90_000)

describe("The state of a cache server", () => {
  it("is told in sentences and two tables", () => {
    const text = StatusText.render(status, 7_200_000)
    assert.include(text, "branch serves on *:80, for 2 hours (process 7, version 0.1.0).")
    assert.include(text, "Origins: none, so every request is refused; name some with --origin.")
    assert.match(text, /^since start {2,}3 +1 +75\.0 % +4\.0 KiB +1\.0 KiB +0 B +0 B +75\.0 %$/m)
    assert.match(text, /^last hour {2,}0 +0 +- /m)
    assert.match(text, /^\/srv\/a +1\.5 KiB +2\.0 GiB +in use$/m)
  })

  it("says how its service and its drives are", () => {
    const url = "https://service:7670"
    assert.include(
      told({ service: { url, isEnabled: true, node: "0123", name: "lab", heardAt: 30_000, updateRing: "Stable" } }),
      `Service ${url} answered 60 seconds ago, which calls it lab; update ring Stable.\n`
    )
    const problem = "The service did not answer."
    assert.include(told({ service: { url, isEnabled: true, problem } }), `Service ${url}. ${problem}\n`)
    assert.include(told({ isServing: false }), "branch serves nobody: its service says that it is not enabled")
    assert.match(
      told({ drives: [{ folder: "/srv/a", size: 0, used: 0, problem: "its folder is gone" }] }),
      /^\/srv\/a .* its folder is gone$/m
    )
  })
})

describe("The files of a cache server", () => {
  it("are those that were used last first, contents by their id", () => {
    const files = [
      { contentId: "DO-x", size: 100, heldBytes: 100 },
      { url: "http://a.test/old", size: 2048, heldBytes: 1024, usedAt: 5_000, uses: 1, drive: "/d" },
      { url: "http://a.test/new", size: 0, heldBytes: 0, usedAt: 50_000, uses: 3, drive: "/d" }
    ]
    const [, ...rows] = FileTable.render(files, 60_000).split("\n")
    assert.deepStrictEqual(
      rows.map((row) => row.split(/\s{2,}/)),
      [
        ["http://a.test/new", "0 B", "100 %", "10 seconds ago", "3"],
        ["http://a.test/old", "2.0 KiB", "50 %", "55 seconds ago", "1"],
        ["DO-x", "100 B", "100 %", "-", "-"]
      ]
    )
    assert.strictEqual(FileTable.render([], 0), "Nothing is kept yet.")
  })
})
