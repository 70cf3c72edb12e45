/** What is going on in a run of the demo at one moment: the line, and each client. A value. */
import type { Progress } from "./ClientEvents.ts"

export type ClientState = "Starting" | "Running" | "Done" | "Failed"

export interface ClientRow {
  /** Counted from 1. */
  readonly client: number
  readonly state: ClientState
  /** The last thing that the client said about itself. */
  readonly progress: Progress | undefined
  /** From the start of all downloads to the end of this one; only when done. */
  readonly seconds: number | undefined
}

export interface Board {
  /** What the demo itself does. */
  readonly stage: "Preparing" | "Fetching" | "Verifying" | "Over"
  readonly fileName: string
  readonly fileBytes: number
  readonly bitsPerSecond: number
  /** When the clients were started, epoch milliseconds. */
  readonly startedAt: number | undefined
  /** Bytes that the origin has sent, by its own count. */
  readonly originBytes: number
  readonly rows: ReadonlyArray<ClientRow>
}

export const make = (options: {
  readonly fileName: string
  readonly fileBytes: number
  readonly bitsPerSecond: number
  readonly clients: number
}): Board => ({
  stage: "Preparing",
  fileName: options.fileName,
  fileBytes: options.fileBytes,
  bitsPerSecond: options.bitsPerSecond,
  startedAt: undefined,
  originBytes: 0,
  rows: Array.from({ length: options.clients }, (_, i) => ({
    client: i + 1,
    state: "Starting",
    progress: undefined,
    seconds: undefined
  }))
})

const change =
  (client: number, next: (row: ClientRow) => ClientRow) =>
  (self: Board): Board => ({
    ...self,
    rows: self.rows.map((row) => (row.client === client ? next(row) : row))
  })

/** A client that is done stays done: what it says later is about what it gives to others. */
export const progressed = (client: number, progress: Progress): ((self: Board) => Board) =>
  change(client, (row) => ({ ...row, progress, state: row.state === "Starting" ? "Running" : row.state }))

export const done = (client: number, seconds: number): ((self: Board) => Board) =>
  change(client, (row) => ({ ...row, state: "Done", seconds }))

export const failed = (client: number): ((self: Board) => Board) =>
  change(client, (row) => ({ ...row, state: "Failed" }))

export const countOf = (self: Board, state: ClientState): number =>
  self.rows.filter((row) => row.state === state).length
