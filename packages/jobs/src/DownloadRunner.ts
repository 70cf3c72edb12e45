/**
 * The runner over `Downloader`. A run is a download; what it fetched lies in the cache, so the next run of the job goes on from there. What
 * the downloader cannot do yet is refused when a caller asks for it.
 */
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import {
  DestinationError,
  type DownloadError,
  type Fallback,
  type NoSourceError,
  type StorageError
} from "@piecework/download/DownloadError"
import { Downloader } from "@piecework/download/Downloader"
import type { DownloadRequest } from "@piecework/download/DownloadRequest"
import type { Progress } from "@piecework/download/Progress"
import type { HttpFacts } from "@piecework/sources/HttpFacts"
import * as RequestHeaders from "@piecework/sources/RequestHeaders"
import { Effect, Layer, Result } from "effect"
import type { Failed, Look } from "./Job.ts"
import { code, type JobErrorName, status, system, type SystemErrorName } from "./JobError.ts"
import * as JobProperty from "./JobProperty.ts"
import type { JobSpec } from "./JobSpec.ts"
import { JobRunner, type RunEnd } from "./JobRunner.ts"

/** What would have to go out of files on the way, which the downloader does not do. */
const without: ReadonlySet<JobProperty.PropertyName> = new Set<JobProperty.PropertyName>(["DecryptionInfo"])

/**
 * `mode` is asked at each start, so that a change of the settings holds from the next one on; `why` it is that one, where the device, and not
 * a setting of the mode, says so.
 */
export const layer = (
  mode: Effect.Effect<DownloadMode>,
  why: Effect.Effect<Fallback | undefined> = Effect.undefined
): Layer.Layer<JobRunner, never, Downloader> =>
  Layer.effect(
    JobRunner,
    Effect.gen(function* () {
      const downloader = yield* Downloader
      return JobRunner.of({
        without,
        takesRanges: true,
        start: Effect.fnUntraced(function* ({ destination, draft, id, isPlaceSeen, spec }) {
          const active = yield* downloader.start({
            url: spec.uri,
            headers: headersOf(spec.httpCustomHeaders),
            authHeaders: headersOf(spec.httpCustomAuthHeaders),
            allowInsecureRedirect: spec.httpAllowSecureToNonSecureRedirect === true,
            formerUrls: spec.formerUris ?? [],
            ...(spec.mirrorUris === undefined ? {} : { others: spec.mirrorUris }),
            contentId: JobProperty.contentOf(spec),
            hashes: JobProperty.hashesOf(spec),
            mustVerify: spec.integrityCheckMandatory === true,
            ...rangesOf(spec),
            path: draft,
            destination,
            isPlaceSeen,
            asker: { door: "job", job: id, name: spec.displayName },
            overwrite: true,
            priority: spec.foregroundPriority === true ? "Foreground" : "Background",
            mode: yield* mode,
            ...whyOf(yield* why)
          })
          const result = active.arrived.pipe(
            Effect.map((outcome): RunEnd => ({ _tag: "Complete", bytes: outcome.requestedBytes, outcome })),
            Effect.catch((error) => {
              const failure = failureOf(error)
              const sentence = `Job ${id}: ${inPlace(error, draft, destination).message}`
              const say = failure.mayPass ? Effect.logDebug(sentence) : Effect.logWarning(sentence)
              return Effect.as(say, { _tag: "Failed" as const, failure })
            })
          )
          const { uri } = spec
          return {
            look: () => lookOf(active.progress(), factsOf(active.facts(), uri)),
            progress: active.progress,
            result
          }
        })
      })
    })
  )

const whyOf = (why: Fallback | undefined): Pick<DownloadRequest, "why"> => (why === undefined ? {} : { why })

const lookOf = ({ heldBytes, phase, requestedBytes }: Progress, facts: Look["facts"]): Look => ({
  bytesTotal: requestedBytes,
  bytesTransferred: heldBytes,
  isBusy: phase === "Checking" || phase === "Writing",
  ...(facts === undefined ? {} : { facts })
})

/** None are all of it. */
const rangesOf = ({ ranges = [] }: JobSpec): Pick<DownloadRequest, "ranges"> =>
  ranges.length === 0
    ? {}
    : { ranges: ranges.map(({ length, offset }) => (length === null ? { offset } : { offset, length })) }

/** Lines that were looked at when they were set; what a record of another version has in them is left out. */
const headersOf = (lines: string | undefined): RequestHeaders.RequestHeaders =>
  Result.getOrElse(RequestHeaders.parse((lines ?? "").split("\r\n").filter((line) => line !== "")), () => ({}))

/** Most characters of headers that a job remembers: there may be a thousand jobs. */
const mostFacts = 16_384

/** In the form in which callers get it. A job that was not redirected has no target to tell of. */
const factsOf = (facts: HttpFacts | undefined, uri: string): Look["facts"] => {
  if (facts === undefined) return undefined
  const known = remembered.get(facts)
  if (known !== undefined) return known
  const { address, lines, status: number, url } = facts
  const told = {
    status: number,
    responseHeaders: lines
      .map((line) => `${line}\r\n`)
      .join("")
      .slice(0, mostFacts),
    serverAddress: address,
    redirectionTarget: url === uri ? undefined : url
  }
  remembered.set(facts, told)
  return told
}

/** A job is looked at far more often than its origin says something. */
const remembered = new WeakMap<HttpFacts, NonNullable<Look["facts"]>>()

/** The same of the place that the caller knows. */
const inPlace = (error: DownloadError, draft: string, destination: string): DownloadError =>
  error._tag === "DestinationError" && error.path === draft
    ? new DestinationError({
        path: destination,
        reason: error.reason,
        ...(error.detail === undefined ? {} : { detail: error.detail })
      })
    : error

const fatal = (number: number, extended = 0): Failed => ({ code: number, extended, mayPass: false })

/** Why a download ended without its file, in the numbers of jobs, and whether another try may do better. */
export const failureOf = (error: DownloadError): Failed => {
  switch (error._tag) {
    case "DestinationError":
      return fatal(system(atDestination[error.reason]))
    case "StorageError":
      return fatal(system(inStorage[error.reason]))
    case "NoSourceError":
      return fromSource(error)
    case "NoProgressError":
      // How long is too long the job says itself.
      return { code: code("ServerTimedOut"), extended: 0, mayPass: true }
    case "ModeError":
      return fatal(code("Forbidden"))
    case "HaltedError":
      return fatal(code("FileNotAvailable"))
    case "UnverifiableError":
      return fatal(code("IntegrityInfoUnavailable"), unverifiable[error.reason] ?? 0)
    case "RangesError":
      return fatal(error.code)
  }
}

/** What is behind it that nothing can be checked. Source: spec.md §5.3. */
const unverifiable: { readonly [reason: string]: number } = {
  PhfInvalid: code("InvalidMetadata"),
  PhfVersion: code("InvalidMetadataVersion"),
  PhfMismatch: code("PieceHashFailed")
}

const atDestination: { readonly [R in DestinationError["reason"]]: SystemErrorName } = {
  Exists: "EEXIST",
  NoFolder: "ENOENT",
  NotAFile: "EISDIR",
  NameTooLong: "ENAMETOOLONG",
  Denied: "EACCES",
  DiskFull: "ENOSPC",
  NoRoom: "ENOSPC",
  Failed: "EIO"
}

const inStorage: { readonly [R in StorageError["reason"]]: SystemErrorName } = {
  DiskFull: "ENOSPC",
  NoRoom: "ENOSPC",
  Denied: "EACCES",
  Failed: "EIO"
}

/** By the reasons of `SourceError`, and `BadPieces`. Those that are not here may pass. */
const lasting: { readonly [reason: string]: JobErrorName } = {
  BadPieces: "PieceHashFailed",
  Unverifiable: "IntegrityInfoUnavailable",
  ContentChanged: "BadPieceData",
  RangeUnsatisfiable: "InvalidRange",
  InsecureRedirect: "InsecureRedirect",
  TooManyRedirects: "RedirectFailed",
  ForbiddenRedirect: "RedirectFailed",
  Encoded: "InvalidResponse",
  BadRequest: "InvalidArgument",
  TlsFailed: "CertificateInvalid",
  Protocol: "InvalidResponse"
}

const passing: { readonly [reason: string]: JobErrorName } = {
  Unreachable: "CannotConnect",
  TimedOut: "ServerTimedOut",
  Stalled: "ServerTimedOut",
  Closed: "ConnectionAborted",
  Truncated: "ConnectionAborted",
  ProxyFailed: "CannotConnect"
}

/** 408 and 429 ask for another try; the other 4xx are fatal at once. Source: spec.md §3.4; RFC 9110, section 15.5.9; RFC 6585, section 4. */
const fromSource = ({ isUnresolved, reason, status: http }: NoSourceError): Failed => {
  if (isUnresolved === true) return { code: code("NameNotResolved"), extended: 0, mayPass: true }
  const known = lasting[reason]
  if (known !== undefined) return fatal(code(known), http === undefined ? 0 : status(http))
  if (http !== undefined) {
    const asksAgain = http === 408 || http === 429
    return { code: status(http), extended: 0, mayPass: asksAgain || http < 400 || http >= 500 }
  }
  return { code: code(passing[reason] ?? "InvalidResponse"), extended: 0, mayPass: true }
}
