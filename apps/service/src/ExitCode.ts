import { exitCodes as common, tagOf as wordOf } from "@piecework/terminal/ExitCode"
/**
 * What the shell is told. One number for each kind of trouble, so that scripts need not read sentences; the table is in
 * the README of this app, and the numbers that the client has too mean the same there.
 */

export const exitCodes = {
  ...common,
  /** A URL that cannot be fetched, or served under. */
  badUrl: 3,
  /** The file to publish is missing, may not be read, or changes. */
  file: 4,
  /** The service is there, and some role of it does not do its work. */
  notReady: 20,
  /** The database is of an earlier version than this program. */
  outdated: 21
} as const

/** The word for a code. */
export const tagOf: (code: number) => string = wordOf(exitCodes)
