/** Entries as people read them: a line each, with nothing in it that a terminal would take for a command. */
import { type Level, levelNames } from "./Level.ts"
import type { LogEntry } from "./LogEntry.ts"
import type { Speaker } from "./Said.ts"

export interface TextOptions {
  readonly colours: boolean
}

/** `2026-01-02 03:04:05.678 Warning agent[12] Room.method 0x80d06811 message (key value)`, in local time. */
export const render = (entry: LogEntry, { colours }: TextOptions): string => {
  const { Annotations, ErrorCode, Function, Level, LevelName, Message, ProcessId, Program, TimeCreated } = entry
  const paint = (text: string, colour: number) => (colours && text !== "" ? `\u001b[${colour}m${text}\u001b[0m` : text)
  const notes = notesOf(Annotations)
  const said = [
    paint(localTime(TimeCreated), grey),
    paint(LevelName.padEnd(longestName), levelColours[Level]),
    paint(`${plain(Program)}[${ProcessId}]`, grey),
    ...(Function === "" ? [] : [paint(plain(Function), cyan)]),
    ...(ErrorCode === "" ? [] : [paint(plain(ErrorCode), red)]),
    plain(Message),
    ...(notes === "" ? [] : [paint(`(${plain(notes)})`, grey)])
  ]
  return said.join(" ")
}

/** What says nothing is left out, and how a program knows the entry. */
const notesOf = (annotations: LogEntry["Annotations"]): string =>
  Object.entries(annotations)
    .filter(([key, value]) => key !== "event" && value !== "" && value !== undefined && value !== null)
    .map(([key, value]) => `${key} ${textOf(value)}`)
    .join(", ")

const textOf = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return String(value)
  if (Array.isArray(value)) return JSON.stringify(value)
  const some = Object.entries(value).filter(([, of]) => of !== 0)
  return `[${some.map(([key, of]) => `${key} ${typeof of === "object" ? JSON.stringify(of) : String(of)}`).join(", ")}]`
}

/** One line in logfmt: `timestamp=… level=… process=… message=… function=… code=… key=value`. */
export const logfmt = (entry: LogEntry): string => {
  const { Annotations, Cause, ErrorCode, Function, Level, LineNumber, Message, ProcessId, TimeCreated } = entry
  const fields: ReadonlyArray<readonly [string, unknown]> = [
    ["timestamp", TimeCreated],
    ["level", fmtLevels[Level]],
    ["process", ProcessId],
    ["message", Message],
    ...(Function === "" ? [] : [["function", Function] as const]),
    ...(LineNumber === 0 ? [] : [["line", LineNumber] as const]),
    ...(ErrorCode === "" ? [] : [["code", ErrorCode] as const]),
    ...Object.entries(Annotations),
    ...(Cause === undefined ? [] : [["cause", Cause] as const])
  ]
  return fields.map(([key, value]) => `${key.replace(/[\s="]/g, "_")}=${quoted(value)}`).join(" ")
}

const quoted = (value: unknown): string => {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "")
  return text === "" || /[\s="\\\p{Cc}]/u.test(text) ? JSON.stringify(text) : text
}

/** The entry in the place of those that could not be written. */
export const lost = (speaker: Speaker, at: Date, count: number, code: string): LogEntry => ({
  TimeCreated: at.toISOString(),
  ProcessId: speaker.processId,
  ThreadId: speaker.threadId,
  Level: 3,
  LevelName: levelNames[3],
  Message: `${count} ${count === 1 ? "entry" : "entries"} before this one could not be written.`,
  Function: "LogFile.flush",
  LineNumber: 0,
  ErrorCode: code,
  Program: speaker.program,
  Annotations: { lost: count }
})

export const unwritable = (program: string, folder: string, code: string): string =>
  `${program}: warning: The log in ${plain(folder)} cannot be written (${code}); that is tried again.`

const [red, cyan, grey] = [31, 36, 90]
const levelColours = { 1: 41, 2: 31, 3: 33, 4: 32, 5: 90 } as const satisfies Record<Level, number>
const fmtLevels = { 1: "FATAL", 2: "ERROR", 3: "WARN", 4: "INFO", 5: "DEBUG" } as const satisfies Record<Level, string>
const longestName = 8

/** In one line; of control characters nothing is left, nor of what turns the direction of writing. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ")

const localTime = (iso: string): string => {
  const at = new Date(iso)
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const millis = String(at.getMilliseconds()).padStart(3, "0")
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${millis}`
}

const two = (n: number): string => String(n).padStart(2, "0")
