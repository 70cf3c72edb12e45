/** The figures of this device as the agent tells them: what the process takes is measured here, and a moment is made of all that is known. */
import { type Moment, usualPeers } from "@piecework/client/Activity"
import * as Figures from "@piecework/download/Figures"
import { Activity } from "@piecework/download/Activity"
import { Clock, Effect } from "effect"

/** Those of the running agent: with what runs in this process, and what it takes. */
export const ofAgent = Effect.suspend(() => Figures.make({ use: measured() }))

/** Most downloads of one moment. */
const mostDownloads = 1000

/** How the device does now, with so many peers of each content. */
export const moment = Effect.fnUntraced(function* (
  figures: Figures.Figures,
  peers: number = usualPeers
): Effect.fn.Return<Moment, Figures.FiguresError> {
  const activity = yield* Activity
  const files = yield* figures.files
  const Perf = yield* figures.perf
  const rates = figures.rates()
  const totals = figures.totals()
  return {
    At: Math.max(0, Math.floor(yield* Clock.currentTimeMillis)),
    Perf,
    DownRates: {
      Origin: rates.fromOrigin,
      CacheServer: rates.fromCacheServer,
      LinkLocal: rates.fromLinkLocal,
      Lan: rates.fromLan,
      Group: rates.fromGroup,
      Internet: rates.fromInternet
    },
    UpRates: { LinkLocal: rates.toLinkLocal, Lan: rates.toLan, Group: rates.toGroup, Internet: rates.toInternet },
    Received: {
      Origin: totals.fromOrigin,
      CacheServer: totals.fromCacheServer,
      LinkLocal: totals.fromLinkLocal,
      Lan: totals.fromLan,
      Group: totals.fromGroup,
      Internet: totals.fromInternet,
      LocalCache: 0
    },
    Sent: { LinkLocal: totals.toLinkLocal, Lan: totals.toLan, Group: totals.toGroup, Internet: totals.toInternet },
    Downloads: activity.downloads().length === 0 ? [] : files.filter(isRunning).slice(0, mostDownloads),
    Peers: figures.peers(peers)
  }
})

const isRunning = ({ Status }: { readonly Status: string }): boolean => Status === "Downloading"

/** Percent of one core between two looks that are a second or more apart, and the memory in use now. */
const measured = () => {
  let before = { at: performance.now(), cpu: process.cpuUsage() }
  let cpu = 0
  let isFirst = true
  return () => {
    const at = performance.now()
    if (at - before.at >= 1000 || isFirst) {
      const now = process.cpuUsage()
      const micros = now.user + now.system - (isFirst ? 0 : before.cpu.user + before.cpu.system)
      const millis = isFirst ? process.uptime() * 1000 : at - before.at
      cpu = millis <= 0 ? 0 : micros / 10 / millis
      before = { at, cpu: now }
      isFirst = false
    }
    return { cpu, memory: process.memoryUsage.rss() }
  }
}
