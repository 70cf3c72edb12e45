/**
 * What the shell is told. One number for each kind of trouble, so that scripts need not read sentences; the table is in
 * the README of this app. 1 is left for what nobody foresaw.
 */
import type { DownloadError } from "@piecework/download/DownloadError"
import { exitCodes as common, tagOf as wordOf } from "@piecework/terminal/ExitCode"

export const exitCodes = {
  ...common,
  badUrl: 3,
  destination: 4,
  noProgress: 8,
  contentChanged: 12,
  /** The service has halted the content. */
  halted: 14,
  /** No agent runs, or it went away. */
  noAgent: 15,
  /** `doctor` found something that fails. */
  unsound: 16
} as const

/** The word for a code. */
export const tagOf: (code: number) => string = wordOf(exitCodes)

/** The code of a download that ended without its file. */
export const ofDownload = (error: DownloadError): number => {
  switch (error._tag) {
    case "DestinationError":
      return isFull(error) ? exitCodes.diskFull : exitCodes.destination
    case "StorageError":
      return isFull(error) ? exitCodes.diskFull : exitCodes.storage
    case "NoSourceError":
      switch (error.reason) {
        case "NotFound":
          return exitCodes.notFound
        case "Forbidden":
        case "Refused":
        case "CacheRefused":
        case "ProxyLogin":
          return exitCodes.refused
        case "BadRequest":
          return exitCodes.usage
        case "ContentChanged":
          return exitCodes.contentChanged
        default:
          return exitCodes.unreachable
      }
    case "NoProgressError":
      return exitCodes.noProgress
    case "ModeError":
    case "RangesError":
      return exitCodes.usage
    case "HaltedError":
      return exitCodes.halted
    case "UnverifiableError":
      return exitCodes.contentChanged
  }
}

const isFull = ({ reason }: { readonly reason: string }): boolean => reason === "DiskFull" || reason === "NoRoom"
