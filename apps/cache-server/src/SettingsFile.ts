/**
 * The settings file of a cache server: a JSON object with the words of the command line. A key that nobody knows is a mistake, so that one
 * that is misspelt does not go unnoticed. Pure but for `read`.
 */
import { readFile, stat } from "node:fs/promises"
import { Effect, Schema } from "effect"

export class SettingsFileError extends Schema.TaggedError<SettingsFileError>()("SettingsFileError", {
  file: Schema.String,
  /** Goes on after "cannot be used:". */
  detail: Schema.String
}) {
  override get message(): string {
    return `The settings file ${this.file} cannot be used: ${this.detail}.`
  }
}

const Text = Schema.NonEmptyString.check(Schema.isMaxLength(4096), Schema.isPattern(/^\P{Cc}*$/u))
const listOf = (most: number) => Schema.Array(Text).check(Schema.isMaxLength(most))

/** "0.0.0.0:80", or a port alone, which may be a number. */
const PlaceText = Schema.Union([Text, Schema.Port])

/** From 1 Mbit/s to 1 Tbit/s. */
export const EgressLimit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

/** As on the command line, where each is explained: lists in the place of flags that are repeated. */
export const SettingsFile = Schema.Struct({
  listen: Schema.optionalKey(PlaceText),
  tlsPort: Schema.optionalKey(Schema.Port),
  tlsCert: Schema.optionalKey(Text),
  tlsKey: Schema.optionalKey(Text),
  drives: Schema.optionalKey(listOf(16)),
  origins: Schema.optionalKey(listOf(1024)),
  parents: Schema.optionalKey(listOf(16)),
  service: Schema.optionalKey(Text),
  serviceCa: Schema.optionalKey(Text),
  serviceKey: Schema.optionalKey(Text),
  name: Schema.optionalKey(Text),
  cid: Schema.optionalKey(Text),
  group: Schema.optionalKey(Text),
  /** Mbit/s. */
  egressLimit: Schema.optionalKey(EgressLimit),
  peers: Schema.optionalKey(Schema.Boolean),
  peerPort: Schema.optionalKey(PlaceText),
  announce: Schema.optionalKey(Schema.Boolean)
})
export type SettingsFile = typeof SettingsFile.Type

/** Longest file that is read, in bytes. */
const mostBytes = 1_048_576

const decode = Schema.decodeUnknownEffect(SettingsFile, { onExcessProperty: "error" })

/** What is wrong as a line, without the source of the file in it. */
const lineOf = (text: string): string => text.replace(/\s+/g, " ").slice(0, 300).replace(/\.$/, "")

export const parse = Effect.fnUntraced(function* (
  file: string,
  text: string
): Effect.fn.Return<SettingsFile, SettingsFileError> {
  const value = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: () => new SettingsFileError({ file, detail: "it is no JSON" })
  })
  return yield* Effect.mapError(
    decode(value),
    ({ message }) => new SettingsFileError({ file, detail: lineOf(message) })
  )
})

export const read = Effect.fn("SettingsFile.read")(function* (
  file: string
): Effect.fn.Return<SettingsFile, SettingsFileError> {
  const text = yield* Effect.tryPromise({
    try: async () => {
      const { size } = await stat(file)
      return size > mostBytes ? undefined : await readFile(file, "utf8")
    },
    catch: (cause) => new SettingsFileError({ file, detail: `it cannot be read (${codeOf(cause)})` })
  })
  if (text === undefined) return yield* new SettingsFileError({ file, detail: "it is too long" })
  return yield* parse(file, text)
})

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "no reason is known"
