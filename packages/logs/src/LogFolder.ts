/**
 * The files of a log: `log-000001.jsonl` and on, in one folder for all processes that share a state folder. The one with the highest number
 * is written to; nothing is ever renamed, so two processes that find it full open the same next one.
 */
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** Where the log lies in a state folder. */
export const folderIn = (root: string): string => join(root, "logs")

/** While it is there, verbose entries are written. */
export const verboseIn = (folder: string): string => join(folder, "verbose")

/** Makes verbose entries wanted, or not; it stays so until it is changed. Fails with the system's error. */
export const setVerbose = async (folder: string, isOn: boolean): Promise<void> => {
  if (!isOn) return await rm(verboseIn(folder), { force: true })
  await mkdir(folder, { mode: 0o750 }).catch((cause: unknown) => {
    if (!(cause instanceof Error) || !("code" in cause) || cause.code !== "EEXIST") throw cause
  })
  await writeFile(verboseIn(folder), "", { mode: 0o640 })
}

export const fileName = (number: number): string => `log-${String(number).padStart(6, "0")}.jsonl`

/** `undefined` for the name of anything else. */
export const numberOf = (name: string): number | undefined => {
  const digits = /^log-(\d{6,15})\.jsonl$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The numbers of those of these that are files of a log, the oldest first. */
export const numbersIn = (names: ReadonlyArray<string>): ReadonlyArray<number> =>
  names
    .map(numberOf)
    .filter((number) => number !== undefined)
    .toSorted((a, b) => a - b)

export interface Kept {
  readonly number: number
  readonly bytes: number
  /** Epoch milliseconds. */
  readonly writtenAt: number
}

export interface Limits {
  readonly fileBytes: number
  readonly files: number
  readonly keepMillis: number
}

/** Which of the files go: those past the most that are kept, by number and by bytes, and those nobody wrote to for long. Never the last. */
export const surplus = (files: ReadonlyArray<Kept>, limits: Limits, now: number): ReadonlyArray<number> => {
  const newestFirst = files.toSorted((a, b) => b.number - a.number)
  let bytes = 0
  return newestFirst
    .filter((file, n) => {
      bytes += file.bytes
      if (n === 0) return false
      return n >= limits.files || bytes > limits.files * limits.fileBytes || now - file.writtenAt > limits.keepMillis
    })
    .map(({ number }) => number)
}
