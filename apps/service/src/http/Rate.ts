/** A limit of requests as an operator writes it. */
import type { Rate } from "@piecework/trust/Bucket"
import { Option } from "effect"

/** So many seconds' worth may come at once where nobody says how many. */
const burstSeconds = 10

/** More than this is no limit. */
const most = 10_000_000

/** "500" or "500/2000": requests a second, and how many may come at once, at least as many. */
export const rateIn = (text: string): Option.Option<Rate> => {
  const [, rate = "", said] = /^(\d{1,8})(?:\/(\d{1,9}))?$/.exec(text) ?? []
  const perSecond = Number(rate)
  const burst = said === undefined ? perSecond * burstSeconds : Number(said)
  const isRate = perSecond >= 1 && perSecond <= most && burst >= perSecond && burst <= most * burstSeconds
  return isRate ? Option.some({ perSecond, burst }) : Option.none()
}
