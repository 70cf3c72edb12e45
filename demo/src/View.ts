/** A board as lines of text: a row per client with its sources on a terminal, one line where there is none. */
import { fromPeers, type BytesBySource } from "@piecework/domain/SourceKind"
import * as Amount from "./Amount.ts"
import { type Board, type ClientRow, countOf } from "./Board.ts"
import * as Ink from "./Ink.ts"
import * as Rate from "./Rate.ts"

/** Bytes that came in, by what the demo tells apart. */
export interface Parts {
  readonly origin: number
  readonly peers: number
  readonly cache: number
}

export const partsOf = (bytes: BytesBySource): Parts => ({
  origin: bytes.Origin,
  peers: fromPeers(bytes),
  cache: bytes.LocalCache + bytes.CacheServer
})

/** Of what came in the part that is held, so that bar, share and numbers tell the same; split as the whole is. */
export const heldOf = (parts: Parts, held: number): Parts => {
  const all = parts.origin + parts.peers + parts.cache
  const of = (n: number) => (all <= held ? n : (n * held) / all)
  return { origin: of(parts.origin), peers: of(parts.peers), cache: of(parts.cache) }
}

const glyphs = {
  unicode: { origin: "█", peers: "█", cache: "█", none: "░" },
  // Without colours the sources still look different.
  unicodePlain: { origin: "█", peers: "▒", cache: "▚", none: "░" },
  ascii: { origin: "#", peers: "=", cache: "+", none: "." }
}

const glyphsFor = (paper: Ink.Paper) =>
  paper.unicode ? (paper.colour ? glyphs.unicode : glyphs.unicodePlain) : glyphs.ascii

/** `share` of `width` cells filled, the filled part split as the bytes are. */
const bar = (share: number, parts: Parts, width: number, paper: Ink.Paper): ReadonlyArray<Ink.Span> => {
  const glyph = glyphsFor(paper)
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width)
  const all = parts.origin + parts.peers + parts.cache
  const cells = (n: number) => (all === 0 ? 0 : Math.round((filled * n) / all))
  const origin = cells(parts.origin)
  const cache = Math.min(filled - origin, cells(parts.cache))
  return [
    Ink.ink("origin", glyph.origin.repeat(origin)),
    Ink.ink("cache", glyph.cache.repeat(cache)),
    Ink.ink("peers", glyph.peers.repeat(filled - origin - cache)),
    Ink.ink("dim", glyph.none.repeat(width - filled))
  ]
}

const barWidth = (columns: number): number => (columns >= 100 ? 30 : columns >= 72 ? 20 : columns >= 44 ? 10 : 0)

const words: { readonly [state in ClientRow["state"]]: string } = {
  Starting: "starting",
  Running: "",
  Done: "",
  Failed: "failed"
}

const clientLine = (row: ClientRow, board: Board, paper: Ink.Paper): string => {
  const { progress } = row
  const name = Ink.plain(`${String(row.client).padStart(String(board.rows.length).length)} `)
  const width = barWidth(paper.columns)
  if (progress === undefined || row.state === "Failed") {
    const spans = [name, ...bar(0, { origin: 0, peers: 0, cache: 0 }, width, paper), Ink.plain(" ")]
    const word = row.state === "Failed" ? Ink.ink("bad", words.Failed) : Ink.ink("dim", words[row.state])
    return Ink.line([...spans, word], paper)
  }
  const parts = heldOf(partsOf(progress.received), progress.heldBytes)
  const share = row.state === "Done" ? 1 : progress.heldBytes / (progress.fileBytes ?? board.fileBytes)
  const state =
    row.seconds === undefined
      ? Ink.plain(Amount.percent(Math.min(1, share), 1).padStart(6))
      : Ink.ink("good", Amount.seconds(row.seconds).padStart(6))
  const mode = progress.mode === "Simple" ? [Ink.ink("bad", "  without peers")] : []
  return Ink.line(
    [
      name,
      ...bar(share, parts, width, paper),
      Ink.plain(" "),
      state,
      Ink.ink("origin", `  origin ${Amount.bytes(parts.origin).padStart(8)}`),
      Ink.ink("peers", `  peers ${Amount.bytes(parts.peers).padStart(8)}`),
      ...mode,
      Ink.ink("dim", `  gave ${Amount.bytes(progress.sent).padStart(8)}`),
      Ink.ink("dim", `  ${progress.peers} connected`)
    ],
    paper
  )
}

/** Since the clients were started; stands still when none is under way any more. */
const elapsed = (board: Board, now: number): string => {
  if (board.startedAt === undefined) return ""
  const last = Math.max(...board.rows.map((row) => row.seconds ?? 0))
  return Amount.seconds(board.stage === "Fetching" ? (now - board.startedAt) / 1000 : last)
}

const copies = (board: Board): string => (board.originBytes / board.fileBytes).toFixed(2)

const stages: { readonly [stage in Board["stage"]]: string } = {
  Preparing: "starting the origin and the service, and publishing the file",
  Fetching: "",
  Verifying: "checking the hash of every file",
  Over: ""
}

/** The screen at `now`, epoch milliseconds: never more lines than the paper has, nor longer ones. */
export const render = (board: Board, paper: Ink.Paper, now: number): ReadonlyArray<string> => {
  const glyph = glyphsFor(paper)
  const title = Ink.line(
    [
      Ink.ink("strong", `${board.rows.length} clients`),
      Ink.plain(` fetch ${Ink.harmless(board.fileName)} (${Amount.bytes(board.fileBytes)})`),
      Ink.plain(` at once over one line of ${Rate.format(board.bitsPerSecond)}  ${elapsed(board, now)}`)
    ],
    paper
  )
  const line = Ink.line(
    [
      Ink.plain("the line has carried "),
      Ink.ink("origin", `${Amount.bytes(board.originBytes)}, ${copies(board)} copies`),
      Ink.plain("    "),
      Ink.ink("origin", glyph.origin),
      Ink.ink("dim", " from the origin  "),
      Ink.ink("peers", glyph.peers),
      Ink.ink("dim", " from peers")
    ],
    paper
  )
  const stage = stages[board.stage] === "" ? [] : [Ink.line([Ink.ink("dim", stages[board.stage])], paper)]
  // One line is left for the cursor.
  const room = Math.max(1, paper.rows - 3 - stage.length)
  const shown = board.rows.length <= room ? board.rows : board.rows.slice(0, room - 1)
  const hidden = board.rows.length - shown.length
  const rest =
    hidden === 0 ? [] : [Ink.line([Ink.ink("dim", `and ${hidden} more, ${countOf(board, "Done")} done`)], paper)]
  return [title, line, ...shown.map((row) => clientLine(row, board, paper)), ...rest, ...stage]
}

/** The same in one line, for logs. */
export const summaryLine = (board: Board, now: number): string => {
  if (board.stage !== "Fetching") return stages[board.stage]
  const total = board.rows.reduce(
    (sum, row) => {
      const parts = row.progress === undefined ? undefined : partsOf(row.progress.received)
      return {
        held: sum.held + (row.state === "Done" ? board.fileBytes : (row.progress?.heldBytes ?? 0)),
        peers: sum.peers + (parts?.peers ?? 0)
      }
    },
    { held: 0, peers: 0 }
  )
  const failures = countOf(board, "Failed")
  return [
    elapsed(board, now).padStart(7),
    Amount.percent(total.held, board.fileBytes * board.rows.length).padStart(6),
    `the line has carried ${Amount.bytes(board.originBytes)} (${copies(board)} copies)`,
    `peers gave ${Amount.bytes(total.peers)}`,
    `${countOf(board, "Done")} of ${board.rows.length} done${failures === 0 ? "" : `, ${failures} failed`}`
  ].join("  ")
}
