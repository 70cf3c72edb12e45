/**
 * The runner over `Downloader`. A run is a download; what it fetched lies in the cache, so the next run of the job goes on from there. What
 * the downloader cannot do yet is refused when a caller asks for it.
 */
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import type { DestinationError, DownloadError, NoSourceError, StorageError } from "@piecework/download/DownloadError"
import { Downloader } from "@piecework/download/Downloader"
import type { Progress } from "@piecework/download/Progress"
import { Effect, Layer } from "effect"
import type { Failed, Look } from "./Job.ts"
import { code, type JobErrorName, status, system, type SystemErrorName } from "./JobError.ts"
import * as JobProperty from "./JobProperty.ts"
import { JobRunner, type RunEnd } from "./JobRunner.ts"

/** What would have to go into requests or out of files on the way, which the downloader does not do. */
const without: ReadonlySet<JobProperty.PropertyName> = new Set<JobProperty.PropertyName>([
  "HttpCustomHeaders",
  "HttpCustomAuthHeaders",
  "HttpAllowSecureToNonSecureRedirect",
  "DecryptionInfo"
])

/** `mode` is asked at each start, so that a change of the settings holds from the next one on. */
export const layer = (mode: Effect.Effect<DownloadMode>): Layer.Layer<JobRunner, never, Downloader> =>
  Layer.effect(
    JobRunner,
    Effect.gen(function* () {
      const downloader = yield* Downloader
      return JobRunner.of({
        without,
        takesRanges: false,
        start: Effect.fnUntraced(function* ({ draft, spec }) {
          const contentId = JobProperty.contentOf(spec)
          if (spec.integrityCheckMandatory === true && contentId === undefined) return uncheckable
          const active = yield* downloader.start({
            url: spec.uri,
            contentId,
            path: draft,
            overwrite: true,
            mode: yield* mode
          })
          const result = active.result.pipe(
            Effect.map((done): RunEnd => ({ _tag: "Complete", bytes: done.fileBytes })),
            Effect.catch((error) => Effect.succeed<RunEnd>({ _tag: "Failed", failure: failureOf(error) }))
          )
          return { look: () => lookOf(active.progress()), result }
        })
      })
    })
  )

const lookOf = ({ fileBytes, heldBytes, phase }: Progress): Look => ({
  bytesTotal: fileBytes,
  bytesTransferred: heldBytes,
  isBusy: phase === "Checking" || phase === "Writing"
})

const uncheckable = {
  look: (): Look => ({ bytesTotal: undefined, bytesTransferred: 0, isBusy: false }),
  result: Effect.succeed<RunEnd>({
    _tag: "Failed",
    failure: { code: code("IntegrityInfoUnavailable"), extended: 0, mayPass: false }
  })
}

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
    case "RangesError":
      return fatal(error.code)
  }
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
const fromSource = ({ reason, status: http }: NoSourceError): Failed => {
  const known = lasting[reason]
  if (known !== undefined) return fatal(code(known), http === undefined ? 0 : status(http))
  if (http !== undefined) {
    const asksAgain = http === 408 || http === 429
    return { code: status(http), extended: 0, mayPass: asksAgain || http < 400 || http >= 500 }
  }
  return { code: code(passing[reason] ?? "InvalidResponse"), extended: 0, mayPass: true }
}
