/** What a run of the demo came to. Sizes are bytes; the origin's figure is its own count of what it sent. */
import { BytesBySource, fromPeers } from "@piecework/domain/SourceKind"
import { Schema } from "effect"
import * as Amount from "./Amount.ts"
import { type Outcome, Waste, wasted } from "./ClientEvents.ts"

export const ClientReport = Schema.Struct({
  client: Schema.Natural,
  /** The file's SHA-256, computed by the demo, is that of the original. */
  verified: Schema.Boolean,
  /** From the start of all downloads to the end of this one. */
  seconds: Schema.Finite,
  mode: Schema.String,
  /** Why it ran in this mode. */
  reason: Schema.String,
  bytes: BytesBySource,
  waste: Waste
})
export interface ClientReport extends Schema.Schema.Type<typeof ClientReport> {}

export const Failure = Schema.Struct({ client: Schema.Natural, message: Schema.String })
export interface Failure extends Schema.Schema.Type<typeof Failure> {}

export const Report = Schema.Struct({
  clients: Schema.Natural,
  /** Clients whose file has the right hash. */
  verified: Schema.Natural,
  file: Schema.String,
  fileBytes: Schema.Natural,
  sha256: Schema.String,
  /** Bits per second. */
  lineRate: Schema.Finite,
  originBytes: Schema.Natural,
  /** Copies of the file that crossed the line. */
  originCopies: Schema.Finite,
  originRequests: Schema.Natural,
  peerBytes: Schema.Natural,
  /** Bytes that clients took in and could not use: bad, duplicate or cancelled. */
  wastedBytes: Schema.Natural,
  /** Of all that was fetched. */
  wastedShare: Schema.Finite,
  /** From the start of the clients to the last complete file; null when there is none. */
  seconds: Schema.NullOr(Schema.Finite),
  /** One plain download over the empty line: file bytes divided by the line's rate. */
  idealSeconds: Schema.Finite,
  perClient: Schema.Array(ClientReport),
  failures: Schema.Array(Failure)
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** A client that has its file. */
export interface Finished {
  readonly client: number
  readonly outcome: Outcome
  readonly seconds: number
  readonly verified: boolean
}

export const make = (run: {
  readonly clients: number
  readonly file: string
  readonly fileBytes: number
  readonly sha256: string
  readonly bitsPerSecond: number
  readonly origin: { readonly bodyBytes: number; readonly requests: number }
  readonly finished: ReadonlyArray<Finished>
  readonly failures: ReadonlyArray<Failure>
}): Report => {
  const sum = (of: (finished: Finished) => number) => run.finished.reduce((total, one) => total + of(one), 0)
  const wastedBytes = sum(({ outcome }) => wasted(outcome))
  const fetched = wastedBytes + sum(({ outcome }) => Object.values(outcome.bytes).reduce((a, b) => a + b, 0))
  return {
    clients: run.clients,
    verified: run.finished.filter((one) => one.verified).length,
    file: run.file,
    fileBytes: run.fileBytes,
    sha256: run.sha256,
    lineRate: run.bitsPerSecond,
    originBytes: run.origin.bodyBytes,
    originCopies: Amount.round(run.origin.bodyBytes / run.fileBytes, 4),
    originRequests: run.origin.requests,
    peerBytes: sum(({ outcome }) => fromPeers(outcome.bytes)),
    wastedBytes,
    wastedShare: fetched === 0 ? 0 : Amount.round(wastedBytes / fetched, 6),
    seconds: run.finished.length === 0 ? null : Amount.round(Math.max(...run.finished.map((one) => one.seconds)), 3),
    idealSeconds: Amount.round((run.fileBytes * 8) / run.bitsPerSecond, 3),
    perClient: run.finished.map(({ client, verified, seconds, outcome }) => ({
      client,
      verified,
      seconds: Amount.round(seconds, 3),
      mode: outcome.mode,
      reason: outcome.why.reason,
      bytes: outcome.bytes,
      waste: outcome.waste
    })),
    failures: run.failures
  }
}

/** Everybody has the right file. */
export const succeeded = (report: Report): boolean => report.verified === report.clients
