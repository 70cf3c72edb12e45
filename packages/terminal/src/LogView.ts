/** Shows a log to people and to programs. */
import * as Amount from "@piecework/domain/Amount"
import * as Analysis from "@piecework/logs/Analysis"
import * as Events from "@piecework/logs/Events"
import type { Level } from "@piecework/logs/Level"
import type { LogEntry } from "@piecework/logs/LogEntry"
import * as LogFolder from "@piecework/logs/LogFolder"
import * as LogReader from "@piecework/logs/LogReader"
import * as LogText from "@piecework/logs/LogText"
import { Effect } from "effect"
import * as Ending from "./Ending.ts"
import { exitCodes } from "./ExitCode.ts"
import { Failure } from "./Failure.ts"
import { flushing } from "./LogCommand.ts"
import { Output } from "./Output.ts"

interface Options {
  readonly folder: string
  /** Epoch milliseconds. */
  readonly since: number | undefined
  readonly flush: boolean
  readonly json: boolean
}

/** How often it is looked for what is new. */
const lookEvery = "300 millis"

/** Lines that are said in one go. */
const page = 500

export const show = Effect.fn("LogView.show")(function* (
  options: Options & { readonly level: Level; readonly follow: boolean }
) {
  const { flush, folder, follow, json, level, since } = options
  const output = yield* Output
  const colours = process.stdout.isTTY === true && process.env["TERM"] !== "dumb" && !process.env["NO_COLOR"]
  const say = (entries: ReadonlyArray<LogEntry>) =>
    Effect.forEach(
      pagesOf(entries),
      (some) =>
        output.line(
          some.map((entry) => (json ? JSON.stringify(entry) : LogText.render(entry, { colours }))).join("\n")
        ),
      { discard: true }
    )
  if (flush) yield* Effect.sleep(flushing)
  const reader = LogReader.make({ folder, wanted: { level, since } })
  const more = follow ? Effect.catchIf(reader.more, isMissing, () => nothing) : reader.more
  if (follow) yield* Ending.settled
  while (true) {
    const look = yield* Effect.mapError(more, failure)
    yield* say(look.entries)
    if (!look.isEnd) continue
    // Whoever follows wants to see it now, even where another process may say something earlier yet.
    yield* say(reader.rest())
    if (!follow) return yield* tellDamaged(look.damaged + reader.unfinished())
    yield* Effect.sleep(lookEvery)
  }
})

export const analyze = Effect.fn("LogView.analyze")(function* (options: Options & { readonly connections: boolean }) {
  const { connections, flush, folder, json, since } = options
  const output = yield* Output
  if (flush) yield* Effect.sleep(flushing)
  const analyst = Analysis.make()
  const take = (entry: LogEntry) =>
    Effect.sync(() => {
      const ended = Events.of(entry)
      if (ended !== undefined) analyst.take(ended)
    })
  const damaged = yield* Effect.mapError(LogReader.forEach({ folder, wanted: { level: 5, since } }, take), failure)
  const result = analyst.result()
  const listed = analyst.connections()
  if (json) {
    return yield* output.line(JSON.stringify(connections ? { ...result, Connections: listed } : result, null, 2))
  }
  yield* output.line(summaryOf(result).join("\n"))
  if (connections) yield* output.line(listed.length === 0 ? `\n${noConnections}` : `\n${tableOf(listed).join("\n")}`)
  if (connections && analyst.unlisted() > 0)
    yield* output.note(`${analyst.unlisted()} more connections are not listed.`)
  yield* tellDamaged(damaged)
})

export const setVerbose = Effect.fn("LogView.setVerbose")(function* (folder: string, isOn: boolean) {
  const output = yield* Output
  yield* Effect.tryPromise({
    try: () => LogFolder.setVerbose(folder, isOn),
    catch: (cause) => {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "EIO"
      return new Failure({
        sentence:
          code === "ENOENT"
            ? `There is no state folder for the log in ${folder}; start the program once, or name another with --state.`
            : `The log in ${folder} cannot be changed (${code}).`,
        code: code === "ENOENT" ? exitCodes.notFound : exitCodes.storage
      })
    }
  })
  yield* output.note(
    isOn
      ? "Verbose entries are written from now on, also after restarts; end that with log verbose off."
      : "Verbose entries are written no more."
  )
})

const isMissing = ({ code }: LogReader.LogReadError): boolean => code === "ENOENT"

const nothing = Effect.succeed<LogReader.Look>({ entries: [], damaged: 0, isEnd: true })

const failure = (error: LogReader.LogReadError): Failure =>
  new Failure({ sentence: error.message, code: isMissing(error) ? exitCodes.notFound : exitCodes.storage })

const tellDamaged = Effect.fnUntraced(function* (damaged: number) {
  if (damaged === 0) return
  const output = yield* Output
  yield* output.note(`${damaged} ${damaged === 1 ? "line was" : "lines were"} damaged and left out.`)
})

const pagesOf = (entries: ReadonlyArray<LogEntry>): ReadonlyArray<ReadonlyArray<LogEntry>> =>
  Array.from({ length: Math.ceil(entries.length / page) }, (_, n) => entries.slice(n * page, (n + 1) * page))

const noConnections = "No connection ended while the log was verbose; see log verbose on."

const summaryOf = (result: Analysis.Analysis): ReadonlyArray<string> => [
  `Files                         ${result.Files}`,
  `  somebody waited for         ${result.ForegroundFiles}`,
  `  large enough for peers      ${result.FilesOverMinSize}`,
  `  in a mode with peers        ${result.FilesEligibleForPeers}`,
  `  with peers found            ${result.FilesWithPeersFound}`,
  `  with bytes from peers       ${result.FilesWithPeerBytes}`,
  `Bytes                         ${Amount.bytes(result.TotalBytesDownloaded)}`,
  `  from peers                  ${Amount.bytes(result.BytesFromPeers)}`,
  `Efficiency                    ${result.EfficiencyPercent} %`,
  `  of files with peer bytes    ${result.EfficiencyPercentInPeeringFiles} %`
]

const columns = ["Destination", "PeerType", "Status", "BytesSent", "BytesReceived", "File"] as const

/** Numbers of a connection are bytes. */
const cellOf = (value: string | number): string => (typeof value === "number" ? Amount.bytes(value) : value)

const tableOf = (connections: ReadonlyArray<Analysis.Connection>): ReadonlyArray<string> => {
  const rows = [columns, ...connections.map((connection) => columns.map((name) => cellOf(connection[name])))]
  const widths = columns.map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0)))
  return rows.map((row) =>
    LogText.plain(row.map((cell, n) => (n < columns.length - 1 ? cell.padEnd(widths[n] ?? 0) : cell)).join("  "))
  )
}
