import { noBytes } from "@piecework/domain/SourceKind"
import { assert, describe, it } from "@effect/vitest"
import * as Board from "../src/Board.ts"
import type { Progress } from "../src/ClientEvents.ts"
import type { Paper } from "../src/Ink.ts"
import * as View from "../src/View.ts"

const paper: Paper = { columns: 120, rows: 40, colour: false, unicode: true }

const progress = (heldBytes: number, origin: number, lan: number): Progress => ({
  phase: "Fetching",
  mode: "Lan",
  fileBytes: 100_000_000,
  heldBytes,
  received: { ...noBytes, Origin: origin, Lan: lan },
  sent: 7_000_000,
  peers: 3
})

const start: Board.Board = {
  ...Board.make({ fileName: "node", fileBytes: 100_000_000, bitsPerSecond: 100e6, clients: 3 }),
  stage: "Fetching",
  startedAt: 0,
  originBytes: 62_000_000
}

const board = [
  Board.progressed(1, progress(50_000_000, 10_000_000, 40_000_000)),
  Board.progressed(2, progress(100_000_000, 30_000_000, 70_000_000)),
  Board.done(2, 9.75)
].reduce((now, change) => change(now), start)

const shown = (more: Partial<Paper>) => View.render(board, { ...paper, ...more }, 5000).join("\n")

// oxlint-disable-next-line no-control-regex -- the escape sequences are what is looked for
const escapes = /\u001b\[[0-9;]*m/g

describe("View", () => {
  it("shows a row per client with its sources", () => {
    const lines = View.render(board, paper, 5000)
    assert.strictEqual(lines.length, 5)
    assert.strictEqual(lines[0], "3 clients fetch node (100.0 MB) at once over one line of 100 Mbit/s  5.0 s")
    assert.match(lines[1] ?? "", /^the line has carried 62\.0 MB, 0\.62 copies/)
    assert.match(lines[2] ?? "", /^1 █{3}▒{12}░{15}\s+50 %\s+origin\s+10\.0 MB\s+peers\s+40\.0 MB\s+gave\s+7\.0 MB/)
    assert.match(lines[3] ?? "", /^2 █{9}▒{21}\s+9\.8 s\s+origin\s+30\.0 MB/)
    assert.match(lines[4] ?? "", /^3 ░{30} starting$/)
  })

  it("counts only what is held, as the bar does", () => {
    const busy = Board.progressed(1, progress(50_000_000, 20_000_000, 60_000_000))(start)
    const row = View.render(busy, paper, 5000)[2] ?? ""
    assert.match(row, /50 %\s+origin\s+12\.5 MB\s+peers\s+37\.5 MB/)
  })

  it("is never wider or higher than the terminal", () => {
    const many = Board.make({ fileName: "x".repeat(300), fileBytes: 1e9, bitsPerSecond: 1e9, clients: 100 })
    const busy = many.rows.reduce((now, { client }) => Board.progressed(client, progress(1e8, 1e8, 1e8))(now), many)
    for (const columns of [1, 10, 20, 43, 60, 80, 200]) {
      for (const rows of [4, 10, 24, 300]) {
        for (const colour of [true, false]) {
          const lines = View.render(busy, { columns, rows, colour, unicode: true }, 1000)
          assert.isBelow(lines.length, Math.max(rows, 6))
          for (const line of lines) assert.isAtMost(line.replaceAll(escapes, "").length, columns)
        }
      }
    }
  })

  it("says how many clients it leaves out", () => {
    const many = Board.make({ fileName: "f", fileBytes: 1e9, bitsPerSecond: 1e9, clients: 100 })
    const lines = View.render(Board.done(100, 3)({ ...many, stage: "Fetching" }), { ...paper, rows: 13 }, 0)
    assert.strictEqual(lines.at(-1), "and 91 more, 1 done")
  })

  it("uses colours only where they are wanted, and only ASCII where there is nothing else", () => {
    assert.notMatch(shown({}), escapes)
    assert.match(shown({ colour: true }), escapes)
    // oxlint-disable-next-line no-control-regex -- all of ASCII
    assert.match(shown({ unicode: false, columns: 50 }), /^[\u0000-\u007f]*$/)
    assert.include(shown({ unicode: false }), "###============....")
  })

  it("lets no file name move the cursor", () => {
    const evil = { ...board, fileName: "a\u001b[2Jb\nc" }
    assert.include(View.render(evil, paper, 0)[0], "a?[2Jb?c")
  })

  it("marks a client that failed, and one that went ahead without peers", () => {
    const bad = Board.failed(1)(Board.progressed(3, { ...progress(1, 1, 0), mode: "Simple" })(board))
    const lines = View.render(bad, paper, 0)
    assert.match(lines[2] ?? "", /failed$/)
    assert.match(lines[4] ?? "", /without peers/)
  })

  it("stops the clock with the last file", () => {
    assert.include(View.render({ ...board, stage: "Verifying" }, paper, 99_000)[0], "  9.8 s")
  })

  it("says the same in one line for logs", () => {
    assert.strictEqual(
      View.summaryLine(board, 5000).replaceAll(/ +/g, " "),
      " 5.0 s 50 % the line has carried 62.0 MB (0.62 copies) peers gave 110.0 MB 1 of 3 done"
    )
  })
})
