/** Which download a person means who names a job, a content, a URL or a file. */
import type { Ledger } from "./Ledger.ts"
import { bare } from "./Recorder.ts"

/** What is meant: `text` as it was given, and the absolute path that it is as a file. Without a text the latest is meant. */
export interface Meant {
  readonly text?: string | undefined
  readonly path?: string | undefined
}

/** Fewer characters of an id mean nothing. */
const leastOfId = 4

export const isMeant = (ledger: Ledger, { path, text }: Meant): boolean => {
  if (text === undefined) return true
  const { contentId, job, url } = ledger
  if (path !== undefined && ledger.path === path) return true
  if (text.length >= leastOfId && job?.startsWith(text.toLowerCase()) === true) return true
  if (text.length >= leastOfId && contentId?.startsWith(text) === true) return true
  return /^https?:\/\//.test(text) && bare(text) === url
}

/** The one that began last; one that goes on comes before one that began in the same moment. */
export const latest = (ledgers: ReadonlyArray<Ledger>): Ledger | undefined =>
  ledgers.reduce<Ledger | undefined>(
    (best, one) =>
      best === undefined || one.began > best.began || (one.began === best.began && one.at > best.at) ? one : best,
    undefined
  )
