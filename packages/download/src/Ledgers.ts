/**
 * The ledgers of a device's downloads: those of downloads that go on in this process, and one JSON file for each that was. A file is replaced
 * whole, the oldest leave when there are too many, and one that cannot be read is left out. Nothing that goes wrong here ends a download.
 */
import { randomBytes } from "node:crypto"
import { maxBytes } from "@piecework/ledger/Bounds"
import type { Ledger } from "@piecework/ledger/Ledger"
import type { Recorder } from "@piecework/ledger/Recorder"
import { encode } from "@piecework/ledger/Thinning"
import { Context, Effect, FileSystem, Layer, Option, Path, Result } from "effect"

/** Files that are kept; what a device downloads in weeks, and at 64 KiB each at most 16 MiB. */
export const mostFiles = 256
/** So many more leave when there are too many: a program that fetches one file need not look at all of them each time. */
const atOnce = 32

export interface Ledgers {
  /**
   * Keeps the recorder among those that go on until `end` of it, and on the disk under a name of its own, or under this one: the latest of
   * one name is kept.
   */
  readonly begin: (recorder: Recorder, name: string | undefined) => Kept
  /** Those that go on in this process, the latest first. */
  readonly running: () => ReadonlyArray<Recorder>
  /** What the disk has, the latest first. */
  readonly list: Effect.Effect<ReadonlyArray<Ledger>>
}

export interface Kept {
  /** Writes down what is known now. */
  readonly save: Effect.Effect<void>
  /** It is none of those that go on any more. */
  readonly end: () => void
}

const nothing: Kept = { save: Effect.void, end: () => undefined }

/** Without a provider nothing is kept. */
export const Ledgers = Context.Reference<Ledgers>("@piecework/download/Ledgers", {
  defaultValue: () => ({ begin: () => nothing, running: () => [], list: Effect.succeed([]) })
})

export const layer = (directory: string): Layer.Layer<never, never, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(Ledgers, make(directory))

const make = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<Ledgers, never, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const going = new Set<Recorder>()
  let counted = 0

  /** The oldest files go. */
  const retire = Effect.gen(function* () {
    const names = (yield* fs.readDirectory(directory)).filter((name) => name.endsWith(".json"))
    if (names.length <= mostFiles) return
    const dated = yield* Effect.forEach(names, (name) => Effect.option(dateOf(path.join(directory, name))))
    const known = dated.flatMap((one) => (Option.isSome(one) ? [one.value] : []))
    const old = known.toSorted((a, b) => b.at - a.at).slice(mostFiles - atOnce)
    yield* Effect.forEach(old, ({ file }) => fs.remove(file, { force: true }), { discard: true })
  })
  const dateOf = (file: string) =>
    Effect.map(fs.stat(file), ({ mtime }) => ({
      file,
      at: Option.match(mtime, { onNone: () => 0, onSome: (date) => date.getTime() })
    }))

  const write = Effect.fnUntraced(function* (name: string, json: string) {
    const file = path.join(directory, name)
    const draft = `${file}.${randomBytes(4).toString("hex")}.draft`
    const written = fs.writeFileString(draft, json, { mode: 0o600 })
    const made = fs.makeDirectory(directory, { recursive: true, mode: 0o700 })
    yield* Effect.catch(written, () => Effect.andThen(made, written)).pipe(
      Effect.andThen(fs.rename(draft, file)),
      Effect.onError(() => Effect.ignore(fs.remove(draft, { force: true })))
    )
    // Not at each: a few more do no harm.
    if (counted++ % 16 === 0) yield* retire
  })

  const read = Effect.fnUntraced(function* (name: string) {
    const file = path.join(directory, name)
    const info = yield* fs.stat(file)
    if (info.type !== "File" || info.size > BigInt(maxBytes)) return Option.none<Ledger>()
    const text = yield* fs.readFileString(file)
    // Who only writes them has no use for their schema.
    const { decode } = yield* Effect.promise(() => import("@piecework/ledger/Ledger"))
    return Result.getSuccess(decode(text))
  })

  return {
    begin: (recorder, known) => {
      going.add(recorder)
      const own = `${Date.now().toString(36)}-${randomBytes(6).toString("hex")}`
      const name = `${known ?? own}.json`
      return {
        save: Effect.suspend(() => write(name, encode(recorder.snapshot()))).pipe(
          Effect.catch((error) => Effect.logDebug("the ledger of a download cannot be kept", error)),
          Effect.uninterruptible
        ),
        end: () => void going.delete(recorder)
      }
    },
    running: () => [...going].toReversed(),
    list: Effect.gen(function* () {
      const names = (yield* fs.readDirectory(directory))
        .filter((name) => name.endsWith(".json"))
        .slice(0, 2 * mostFiles)
      const found = yield* Effect.forEach(names, (name) => Effect.option(read(name)))
      return found
        .flatMap((one) => (Option.isSome(one) && Option.isSome(one.value) ? [one.value.value] : []))
        .toSorted((a, b) => b.began - a.began)
    }).pipe(Effect.orElseSucceed(() => []))
  }
})
