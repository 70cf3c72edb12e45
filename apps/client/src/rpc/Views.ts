/** Jobs and downloads of this process in the words of the contract. Sizes are bytes. */
import type { JobView } from "@piecework/client/JobView"
import * as JobViews from "@piecework/client/JobView"
import type { ServerFacts } from "@piecework/client/AgentRpcs"
import type { CacheUse, Outcome, Transfer } from "@piecework/client/Transfer"
import { total } from "@piecework/domain/SourceKind"
import type { OpenContent } from "@piecework/download/OpenContent"
import type { DownloadResult, Progress } from "@piecework/download/Progress"
import * as JobError from "@piecework/jobs/JobError"
import type { JobLook } from "@piecework/jobs/Jobs"

/** Texts that others wrote are no longer than this. */
const short = (text: string, most = 2048): string => text.slice(0, most)

export const transfer = (progress: Progress): Transfer => ({
  phase: progress.phase,
  mode: progress.mode,
  heldBytes: progress.heldBytes,
  received: progress.received,
  sent: progress.sent,
  peers: progress.peers,
  connections: progress.connections,
  banned: progress.banned.slice(0, 4096),
  ...given("retrying", progress.retrying === undefined ? undefined : short(progress.retrying)),
  ...given("httpAfterMillis", progress.httpAfterMillis),
  ...given("limit", limit(progress.limit)),
  ...given("cache", cache(progress.cache)),
  ...given("why", progress.why === undefined ? undefined : why(progress.why)),
  ...given("contentId", progress.contentId),
  ...given("fileBytes", progress.fileBytes),
  ...given("requestedBytes", progress.requestedBytes),
  ...given("named", progress.named)
})

const limit = (holding: Progress["limit"]): Transfer["limit"] =>
  holding === undefined ? undefined : { rate: holding.rate, ...given("setting", holding.setting) }

const cache = (view: Progress["cache"]): CacheUse | undefined =>
  view === undefined
    ? undefined
    : {
        reason: view.reason,
        ...given("host", view.host),
        ...given("provider", view.provider),
        ...given("failure", view.failure === undefined ? undefined : short(view.failure)),
        ...given("until", view.until),
        ...given("originFrom", view.originFrom)
      }

const why = ({ detail, reason }: DownloadResult["why"]): Outcome["why"] => ({
  reason,
  ...given("detail", detail === undefined ? undefined : short(detail))
})

export const outcome = ({ cache: used, ...result }: DownloadResult, path: string): Outcome => ({
  ...result,
  ...given("cache", cache(used)),
  path,
  banned: result.banned.slice(0, 4096),
  why: why(result.why),
  durationMillis: Math.round(result.durationMillis)
})

export const job = ({ progress, spec, status }: JobLook): JobView => {
  const code = status.error === 0 ? status.extended : status.error
  return {
    id: JobViews.JobId.make(status.id),
    state: status.state,
    error: status.error,
    extended: status.extended,
    bytesTotal: progress?.requestedBytes ?? status.bytesTotal,
    bytesTransferred: progress === undefined ? status.bytesTransferred : progress.heldBytes,
    ...given("url", spec.uri),
    ...given("path", spec.localPath),
    ...given("displayName", spec.displayName),
    ...given("sentence", code === 0 ? undefined : `${JobError.describe(code)} (${JobError.hex(code)})`),
    ...given("transfer", progress === undefined ? undefined : transfer(progress))
  }
}

export const facts = (said: OpenContent["facts"]): ServerFacts | undefined =>
  said === undefined
    ? undefined
    : {
        status: said.status,
        url: short(said.url, 8192),
        headers: Object.fromEntries(
          [...said.headers].slice(0, 256).map(([name, value]) => [short(name, 256), short(value, 16_384)])
        ),
        ...given("address", said.address)
      }

/** A field that is there when it has a value. */
const given = <K extends string, A>(name: K, value: A | undefined): { readonly [P in K]?: A } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: A }

/** Over which rates are measured, in milliseconds. */
const span = 3000

/** Answers views with the rate since the views of the last three seconds; `now` is in epoch milliseconds. */
export const measured = (): ((view: JobView, now: number) => JobView) => {
  const samples: Array<{ readonly at: number; readonly bytes: number }> = []
  return (view, now) => {
    const { transfer: going } = view
    if (going === undefined) return view
    const bytes = total(going.received) - going.received.LocalCache
    const newest = samples.at(-1)
    // Another run of the job counts from 0 again.
    if (newest !== undefined && newest.bytes > bytes) samples.length = 0
    samples.push({ at: now, bytes })
    while (samples.length > 2 && now - (samples[0]?.at ?? now) > span) samples.shift()
    const first = samples[0] ?? { at: now, bytes }
    return { ...view, rate: Math.round(((bytes - first.bytes) / Math.max(1, now - first.at)) * 1000) }
  }
}
