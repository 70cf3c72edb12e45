/** How good savings are, in a word and a sentence. Source: spec.md §8.3: an error under 10 %, a warning up to 60 %. */
import * as Figures from "@piecework/reports/Figures"
import type { Sums } from "@piecework/reports/Views"
import { count, share } from "./Amount.ts"
import { savedBytes } from "./Source.ts"

export type Grade = ReturnType<typeof Figures.efficiency>

/** Of a window that need not be the one whose sums are at hand: savings of 0 are good for nothing only where something was fetched. */
export const ofWindow = (percent: number, { BytesFetched }: Pick<Sums, "BytesFetched">): Grade =>
  percent === 0 && BytesFetched === 0 ? "None" : Figures.gradeOf(percent)

/** How savings of one window are beside those of the one that is shown, in words. Both in percent. */
export const beside = (percent: number, shown: number, shownDays: number): string => {
  const points = Math.round((percent - shown) * 10) / 10
  if (points === 0) return `As much as in ${shownDays} days.`
  return `${count(Math.abs(points), "point")} ${points > 0 ? "more" : "less"} than in ${shownDays} days.`
}

export interface Look {
  readonly word: string
  readonly meaning: string
}

export const looks: Readonly<Record<Grade, Look>> = {
  None: { word: "nothing yet", meaning: "Nothing was fetched in this time." },
  Error: { word: "low", meaning: "Under 10 % of the bytes came from peers and cache servers." },
  Warning: { word: "fair", meaning: "10 to 60 % of the bytes came from peers and cache servers." },
  Good: { word: "good", meaning: "More than 60 % of the bytes came from peers and cache servers." }
}

/** Of a row over the time that was asked for, in percent. */
export const savedPercent = (row: Pick<Sums, "BytesFromPeers" | "BytesFromCache" | "BytesFetched">): number =>
  share(savedBytes(row), row.BytesFetched)
