import { noBytes } from "@piecework/domain/SourceKind"
import { assert, describe, it } from "@effect/vitest"
import * as Report from "../src/Report.ts"
import * as Summary from "../src/Summary.ts"

const finished = (client: number, origin: number, lan: number, seconds: number): Report.Finished => ({
  client,
  seconds,
  verified: true,
  outcome: {
    path: `/tmp/${client}`,
    fileBytes: 1000,
    mode: "Lan",
    why: { reason: "Requested" },
    bytes: { ...noBytes, Origin: origin, Lan: lan },
    waste: { bad: 1, duplicate: 2, cancelled: 7 },
    durationMillis: 1
  }
})

const run = {
  clients: 2,
  file: "/bin/node",
  fileBytes: 1000,
  sha256: "ab".repeat(32),
  bitsPerSecond: 8000,
  origin: { bodyBytes: 1100, requests: 9 },
  finished: [finished(1, 600, 400, 1.25), finished(2, 400, 600, 1.5)],
  failures: []
}

const paper = { columns: 100, rows: 24, colour: false, unicode: true }

describe("Report", () => {
  it("takes the origin's bytes from the origin and the peers' from the clients", () => {
    const report = Report.make(run)
    assert.deepStrictEqual(
      [report.originBytes, report.originCopies, report.peerBytes, report.wastedBytes, report.wastedShare],
      [1100, 1.1, 1000, 20, 0.009901]
    )
  })

  it("measures to the last file, beside one copy over the empty line", () => {
    const report = Report.make(run)
    assert.deepStrictEqual([report.seconds, report.idealSeconds], [1.5, 1])
  })

  it("succeeds only when every client has the right file", () => {
    assert.isTrue(Report.succeeded(Report.make(run)))
    const wrong = { ...run, finished: [finished(1, 1, 1, 1), { ...finished(2, 1, 1, 1), verified: false }] }
    assert.isFalse(Report.succeeded(Report.make(wrong)))
    assert.isFalse(Report.succeeded(Report.make({ ...run, finished: [finished(1, 1, 1, 1)] })))
  })

  it("has no time when nobody finished", () => {
    const report = Report.make({ ...run, finished: [] })
    assert.deepStrictEqual([report.seconds, report.verified, report.wastedShare], [null, 0, 0])
    assert.include(Summary.render(report, paper)[0], "0 of 2 files")
  })

  it("loses nothing on a narrow terminal", () => {
    const lines = Summary.render(Report.make(run), { ...paper, columns: 60 })
    assert.include(lines.join("\n"), "at once over this line, without peers")
    assert.include(lines.join("\n"), "1.10 copies crossed the line")
    for (const line of lines) {
      assert.isAtMost(line.length, 60)
      assert.notInclude(line, "…")
    }
  })

  it("reads as a table", () => {
    const text = Summary.render(Report.make(run), paper).join("\n")
    assert.include(text, "All 2 files have the right SHA-256")
    assert.match(text, /from the origin\s+1\.1 kB\s+1\.10 copies crossed the line/)
    assert.match(text, /from peers\s+1\.0 kB\s+1\.00 copies did not/)
    assert.match(text, /of no use\s+20 B\s+0\.99 % of what was fetched/)
    assert.match(text, /until the last file\s+1\.5 s/)
    assert.match(text, /one plain download\s+1\.0 s\s+1\.50 times that/)
  })
})
