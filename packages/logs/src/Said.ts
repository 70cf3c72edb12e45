/**
 * From what was said to an entry: the one place that everything logged goes through on its way to a file or to standard error, and
 * where secrets are taken out.
 */
import { Cause, type Fiber, type Logger, References } from "effect"
import * as ErrorCode from "./ErrorCode.ts"
import { maxCause } from "./internal/bounds.ts"
import * as Level from "./Level.ts"
import type { LogEntry } from "./LogEntry.ts"
import { messageOf, redact, redactField } from "./Redaction.ts"

/** Whose entries they are. */
export interface Speaker {
  readonly program: string
  readonly processId: number
  readonly threadId: number
}

/** What an entry is made of. */
export interface Said extends Pick<Logger.Options<unknown>, "cause" | "date" | "logLevel" | "message"> {
  /** Where it is said: what belongs to all entries of the place, and the function. */
  readonly annotations: { readonly [name: string]: unknown }
  readonly frame: StackFrame | undefined
}

type StackFrame = NonNullable<typeof References.CurrentStackFrame.Service>

/** What a logger is given. */
export const of = (options: Logger.Options<unknown>): Said => {
  const { cause, date, fiber, logLevel, message } = options
  return { cause, date, logLevel, message, ...placeOf(fiber) }
}

/** Where a fiber is just now, for what is said later. */
export const placeOf = (fiber: Pick<Fiber.Fiber<unknown, unknown>, "getRef">): Pick<Said, "annotations" | "frame"> => ({
  annotations: fiber.getRef(References.CurrentLogAnnotations),
  frame: fiber.getRef(References.CurrentStackFrame)
})

/** What was said, without secrets. An error among it gives the entry its code and, where it is unforeseen, its cause. */
export const entryOf = (speaker: Speaker, said: Said): LogEntry => {
  const { annotations, cause, date, frame, logLevel, message } = said
  const parts: ReadonlyArray<unknown> = Array.isArray(message) ? message : [message]
  const errors = parts.filter((part) => part instanceof Error)
  const level = Level.ofEffect(logLevel)
  const notes = [annotations, ...parts.filter(isNotes)]
  const { line, name } = functionOf(frame)
  const why = causeOf(errors, cause)
  const text = parts
    .filter((part) => !isNotes(part))
    .map(textOf)
    .filter((part) => part !== "")
  return {
    TimeCreated: date.toISOString(),
    ProcessId: speaker.processId,
    ThreadId: speaker.threadId,
    Level: level,
    LevelName: Level.levelNames[level],
    Message: redact(text.length > 0 ? text.join(" ") : (why?.split("\n", 1)[0] ?? "")),
    Function: redact(name, 128),
    LineNumber: line,
    ErrorCode: errors.map(ErrorCode.codeOf).find((code) => code !== "") ?? ErrorCode.codeOfCause(cause),
    Program: speaker.program,
    Annotations: annotationsOf(notes),
    ...(why === undefined ? {} : { Cause: redact(why, maxCause) })
  }
}

/** Names and values that are said beside a message. */
export const isNotes = (part: unknown): part is object =>
  typeof part === "object" && part !== null && Object.getPrototypeOf(part) === Object.prototype

const textOf = (part: unknown): string => {
  if (typeof part === "string") return part
  if (part instanceof Error) return messageOf(part) || part.name
  try {
    return String(part)
  } catch {
    return "<unreadable>"
  }
}

const annotationsOf = (notes: ReadonlyArray<object>): LogEntry["Annotations"] => {
  const all: Record<string, unknown> = {}
  for (const note of notes) {
    for (const key of Object.keys(note).slice(0, 32)) {
      // No name from outside becomes something else than a name.
      Object.defineProperty(all, redact(key, 64), {
        value: redactField(key, valueOf(note, key)),
        enumerable: true,
        configurable: true
      })
    }
  }
  return all
}

const valueOf = (note: object, key: string): unknown => {
  try {
    return (note as { readonly [key: string]: unknown })[key]
  } catch {
    return "<unreadable>"
  }
}

/** An error that was foreseen has said all in its message; of what it came of, the messages; of others the stack. */
const causeOf = (errors: ReadonlyArray<Error>, cause: Cause.Cause<unknown>): string | undefined => {
  const told = errors.map(chainOf).filter((text) => text !== "")
  if (cause.reasons.length > 0) told.push(prettyOf(cause))
  return told.length === 0 ? undefined : told.join("\n")
}

const chainOf = (error: Error): string => {
  const lines: Array<string> = []
  if (!("_tag" in error)) lines.push(stackOf(error))
  let at: unknown = error
  for (let depth = 0; depth < 8; depth++) {
    at = at instanceof Error ? at.cause : undefined
    if (at === undefined) break
    lines.push(`caused by ${at instanceof Error ? `${at.name}: ${messageOf(at)}` : textOf(at)}`)
  }
  return lines.filter((line) => line !== "").join("\n")
}

const stackOf = (error: Error): string => {
  try {
    return String(error.stack ?? "")
  } catch {
    return ""
  }
}

const prettyOf = (cause: Cause.Cause<unknown>): string => {
  try {
    return Cause.pretty(cause)
  } catch {
    return "<unreadable>"
  }
}

/** The innermost function with a name, and the line that it begins in. */
const functionOf = (frame: StackFrame | undefined): { readonly name: string; readonly line: number } => {
  if (frame === undefined) return { name: "", line: 0 }
  const { name, parent } = frame
  const defined = parent?.name === `${name} (definition)` ? parent : frame
  return { name, line: lineIn(defined.stack()) }
}

/** `at file:///…/Room.ts:12:3`. */
const lineIn = (stack: string | undefined): number => Number(/:(\d{1,9}):\d{1,9}\)?\s*$/m.exec(stack ?? "")?.[1] ?? 0)
