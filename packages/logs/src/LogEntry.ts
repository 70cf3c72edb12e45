/**
 * One entry of a log, and a line of a log file: a JSON object with the field names that administrators know. Lines that are
 * longer than `maxLine`, or are no entry, are damage. Source: spec.md §8.1, Get-DeliveryOptimizationLog.
 */
import { isLevel, type Level, type LevelName, levelNames } from "./Level.ts"

export interface LogEntry {
  /** ISO 8601 in UTC, with milliseconds. */
  readonly TimeCreated: string
  readonly ProcessId: number
  /** The thread of the process's own counting; 0 is its main thread. Windows has the system's number here. */
  readonly ThreadId: number
  readonly Level: Level
  readonly LevelName: LevelName
  readonly Message: string
  /** `Room.method` that said it, or the nearest around it that has a name; empty where none has. */
  readonly Function: string
  /**
   * Where that function begins, in its source, or in the bundle where the program runs from one; 0 where it is not known. Windows has the
   * line of the statement itself.
   */
  readonly LineNumber: number
  /**
   * `0x…` where the error has a number, the system's word (`ENOSPC`), else the error's own name with its reason (`SourceError.NotFound`);
   * empty where there is no error.
   */
  readonly ErrorCode: string
  /** Which program it is of, like `agent`. */
  readonly Program: string
  /** What was said beside the message. */
  readonly Annotations: { readonly [key: string]: unknown }
  /** Where the error comes from, over several lines; absent without one. */
  readonly Cause?: string
}

/** Longest line of a log file, in characters; what is longer is cut before it is written. */
export const maxLine = 16_384

export const encode = (entry: LogEntry): string => {
  const line = JSON.stringify(entry)
  if (line.length <= maxLine) return line
  const { Cause: _, ...rest } = entry
  const cut = { Annotations: { cut: `${line.length} characters` } }
  const shorter = JSON.stringify({ ...rest, ...cut })
  return shorter.length <= maxLine
    ? shorter
    : JSON.stringify({ ...rest, ...cut, Message: entry.Message.slice(0, 1024) })
}

/**
 * `undefined` for a line that is no entry. Checked by hand: a log has a hundred thousand of them, and a schema takes ten times
 * as long as the parser.
 */
export const decode = (line: string): LogEntry | undefined => {
  if (line.length > maxLine) return undefined
  let read: unknown
  try {
    read = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!isObject(read)) return undefined
  const { Annotations, Cause, ErrorCode, Function, Level, LineNumber, Message, ProcessId, Program, ThreadId } = read
  const { TimeCreated } = read
  if (typeof TimeCreated !== "string" || !when.test(TimeCreated) || Number.isNaN(Date.parse(TimeCreated))) {
    return undefined
  }
  if (!isLevel(Level) || typeof Message !== "string" || typeof Program !== "string") return undefined
  if (typeof Function !== "string" || typeof ErrorCode !== "string" || !isObject(Annotations)) return undefined
  if (!isCount(ProcessId) || !isCount(ThreadId) || !isCount(LineNumber)) return undefined
  const LevelName = levelNames[Level]
  return {
    TimeCreated,
    ProcessId,
    ThreadId,
    Level,
    LevelName,
    Message,
    Function,
    LineNumber,
    ErrorCode,
    Program,
    Annotations,
    ...(typeof Cause === "string" ? { Cause } : {})
  }
}

const when = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0
