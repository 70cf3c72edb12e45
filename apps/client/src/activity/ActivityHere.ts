/**
 * The activity page of this process: its jobs and figures as the page takes them. It listens from the moment on in which somebody wants it, or from the
 * start where a place is named; its secret is of this process, so what an old page knows opens nothing.
 */
import { randomBytes } from "node:crypto"
import { hostname } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { PieceCache } from "@piecework/cache/PieceCache"
import { ActivityPage, mostJobs } from "@piecework/client/ActivityPage"
import type { JobView } from "@piecework/client/JobView"
import { Activity } from "@piecework/download/Activity"
import type { Months } from "@piecework/download/Months"
import type { Records } from "@piecework/download/Records"
import type { JobError } from "@piecework/jobs/JobError"
import { Jobs } from "@piecework/jobs/Jobs"
import { Clock, Effect, Schema, Scope, Semaphore } from "effect"
import * as DeviceFigures from "../DeviceFigures.ts"
import * as Views from "../rpc/Views.ts"
import { version } from "../version.ts"
import * as ActivityServer from "./ActivityServer.ts"
import type { Action } from "./Doorkeeper.ts"
import * as PageFiles from "./PageFiles.ts"
import * as Whys from "./Whys.ts"

/** What the page shows beside the jobs. */
export interface Figures {
  readonly month: ActivityPage["month"]
  readonly moment: ActivityPage["moment"]
}

export interface Options {
  /** Default any free port of 127.0.0.1. */
  readonly place?: ActivityServer.Place | undefined
  readonly figures: Effect.Effect<Figures, { readonly message: string }>
  readonly whys: Whys.Whys
  /** Folder of the page's files. Default where they are built. */
  readonly folder?: string | undefined
}

/** Peers of each content that the page shows. */
const mostPeers = 50

/** Beside the bundle, or where the workspace builds it: seen from here both of them lie alike. */
const folders = (): ReadonlyArray<string> => {
  const here = dirname(fileURLToPath(import.meta.url))
  return [join(here, "site"), join(here, "..", "..", "..", "console", "dist", "site")]
}

/** Answers how to have the page's address, secret included. Asking again gives the same one. */
export const make = Effect.fn("ActivityHere.make")(function* (options: Options) {
  const jobs = yield* Jobs
  const scope = yield* Effect.scope
  // Of the process, which is the agent's.
  const since = Math.floor(performance.timeOrigin)
  const secret = randomBytes(24).toString("base64url")
  const started = Effect.gen(function* () {
    const files = yield* options.folder === undefined
      ? Effect.firstSuccessOf(folders().map(PageFiles.load))
      : PageFiles.load(options.folder)
    const place = options.place ?? { host: "127.0.0.1", port: 0 }
    const port = yield* ActivityServer.serve({
      place,
      secret,
      files,
      now: now(jobs, options, since),
      act: (action, job) => act(jobs, action, job)
    }).pipe(Effect.provideService(Scope.Scope, scope))
    return urlOf(place.host, port, secret)
  })
  // Failures are not kept: what was in the way may be gone the next time.
  const turn = yield* Semaphore.make(1)
  let url: string | undefined
  return turn.withPermits(1)(
    Effect.suspend(() =>
      url === undefined ? Effect.tap(started, (made) => Effect.sync(() => (url = made))) : Effect.succeed(url)
    )
  )
})

/** What the page of an agent is made of. */
export type ActivityNeeds = Jobs | Months | PieceCache | Records

/** That of an agent, with all that the agent knows; see `make`. */
export const ofAgent = Effect.fn("ActivityHere.ofAgent")(function* (place: ActivityServer.Place | undefined) {
  const figures = yield* DeviceFigures.ofAgent
  const activity = yield* Activity
  return yield* make({
    place,
    whys: yield* Whys.make,
    figures: Effect.all({
      month: figures.month,
      moment: Effect.provideService(DeviceFigures.moment(figures, mostPeers), Activity, activity)
    })
  })
})

/** The secret is in the fragment, which a browser sends to nobody. */
export const urlOf = (host: string, port: number, secret: string): string =>
  `http://${host.includes(":") ? `[${host}]` : host}:${port}/#key=${secret}`

const encode = Schema.encodeSync(ActivityPage)

const now = (jobs: Jobs["Service"], { figures, whys }: Options, since: number) => {
  // Rates are of what came between looks of the page; a job that is gone is forgotten.
  const rated = new Map<string, (view: JobView, now: number) => JobView>()
  return Effect.gen(function* () {
    const ids = yield* jobs.enumerate()
    const at = yield* Clock.currentTimeMillis
    const views: Array<JobView> = []
    for (const id of ids.slice(-mostJobs)) {
      // One that ended meanwhile is not there any more.
      const look = yield* Effect.result(jobs.look(id))
      if (look._tag === "Failure") continue
      const rate = rated.get(id) ?? Views.measured()
      rated.set(id, rate)
      views.push(withoutSecrets(rate(Views.job(look.success), at)))
    }
    const known = new Set<string>(ids)
    for (const id of rated.keys()) if (!known.has(id)) rated.delete(id)
    const body: ActivityPage = {
      device: hostname().slice(0, 253),
      version,
      since,
      jobs: views,
      jobCount: ids.length,
      why: yield* whys(views),
      ...(yield* figures)
    }
    return { status: 200, body: encode(body) }
  }).pipe(Effect.catch((error) => Effect.succeed({ status: 503, body: { error: error.message } })))
}

/** A query may be a key, and so may what stands before an @. */
export const withoutSecrets = (view: JobView): JobView => {
  const { url, ...rest } = view
  if (url === undefined) return view
  const { host, pathname, protocol } = new URL(url)
  return { ...rest, url: `${protocol}//${host}${pathname}` as NonNullable<JobView["url"]> }
}

const act = (jobs: Jobs["Service"], action: Action, id: string): Effect.Effect<ActivityServer.Answer> => {
  const done: Effect.Effect<void, JobError> = action === "resume" ? jobs.start(id) : jobs[action](id)
  return Effect.match(done, {
    onSuccess: () => ({ status: 200, body: {} }),
    onFailure: (error) => ({ status: 409, body: { error: error.message } })
  })
}
