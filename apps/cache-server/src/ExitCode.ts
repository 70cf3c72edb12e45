/**
 * What the shell is told. One number for each kind of trouble, so that scripts need not read sentences; the table is in the README of
 * this app, and the numbers that the client has too mean the same there.
 */
import { exitCodes as common, tagOf as wordOf } from "@piecework/terminal/ExitCode"

export const exitCodes = {
  ...common,
  badUrl: 3,
  /** A certificate, or the settings file, cannot be used. */
  file: 4,
  /** Damaged files were found. */
  damaged: 12,
  /** No cache server runs, or it went away. */
  notRunning: 15
} as const

/** The word for a code. */
export const tagOf: (code: number) => string = wordOf(exitCodes)
