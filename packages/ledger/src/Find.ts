/** Which download a person means who names a job, a content, a URL or a file. */
import type { Ledger } from "./Ledger.ts"
import { bare } from "./Recorder.ts"

/** What is meant: `text` as it was given, and the absolute path that it is as a file. Without a text the latest is meant. */
export interface Meant {
  readonly text?: string | undefined
  readonly path?: string | undefined
}

export interface Match {
  /** The download that is meant; of several the one that began last. */
  readonly ledger: Ledger
  /** Whole ids that begin with the text, where that is no name by itself. More than one: it is not enough to tell which is meant. */
  readonly ids: ReadonlyArray<string>
}

/** `undefined`: none is known by that. */
export const match = (ledgers: ReadonlyArray<Ledger>, meant: Meant): Match | undefined => {
  const named = latest(ledgers.filter((ledger) => isNamed(ledger, meant)))
  if (named !== undefined) return { ledger: named, ids: [] }
  const begun = ledgers.flatMap((ledger) => {
    const id = idBegunBy(ledger, meant.text ?? "")
    return id === undefined ? [] : [{ id, ledger }]
  })
  const ledger = latest(begun.map((one) => one.ledger))
  return ledger === undefined ? undefined : { ledger, ids: [...new Set(begun.map(({ id }) => id))] }
}

const isNamed = ({ contentId, job, path: file, url }: Ledger, { path, text }: Meant): boolean => {
  if (text === undefined || (path !== undefined && file === path)) return true
  if (job === text.toLowerCase() || contentId === text) return true
  return /^https?:\/\//.test(text) && bare(text) === url
}

const idBegunBy = ({ contentId, job }: Ledger, text: string): string | undefined => {
  if (text === "") return undefined
  return job?.startsWith(text.toLowerCase()) === true
    ? job
    : contentId?.startsWith(text) === true
      ? contentId
      : undefined
}

/** The one that began last; one that goes on comes before one that began in the same moment. */
export const latest = (ledgers: ReadonlyArray<Ledger>): Ledger | undefined =>
  ledgers.reduce<Ledger | undefined>(
    (best, one) =>
      best === undefined || one.began > best.began || (one.began === best.began && one.at > best.at) ? one : best,
    undefined
  )
