/**
 * What one download tells those who keep figures: the sums of its device while it lasts (`Activity`), and the record of its content as it
 * goes on and at its end. What comes in before anybody knows the content's name is noted with that once it has one, and else with
 * what no content can be named for.
 */
import type { ContentId } from "@piecework/domain/Content"
import { Clock, Effect, type Scope } from "effect"
import { Activity } from "./Activity.ts"
import { callerOf, type OpenRequest, priorityOf } from "./DownloadRequest.ts"
import * as Noting from "./Noting.ts"
import * as Passed from "./Passed.ts"
import type { DownloadResult } from "./Progress.ts"
import { Records } from "./Records.ts"
import type { Standing } from "./Standing.ts"

export interface Accounts {
  /** The content has a name: what passes is noted in its record from time to time, until the scope closes. */
  readonly named: (contentId: ContentId) => Effect.Effect<void, never, Scope.Scope>
  /** The file is there: its record says so. That it could not be noted is no reason to call the download failed. */
  readonly complete: (result: DownloadResult, now: number) => Effect.Effect<void>
  /** It runs no more, with a file or without. What it still sends counts. */
  readonly ended: (hasFile: boolean) => void
}

/** To be the first in the scope, so that it ends last: nothing comes in any more then. `path` is what records say. */
export const make = Effect.fnUntraced(function* (
  request: OpenRequest,
  standing: Standing,
  path: string
): Effect.fn.Return<Accounts, never, Records | Scope.Scope> {
  const activity = yield* Activity
  const records = yield* Records
  const clock = yield* Clock.Clock
  const { began, meter } = standing
  let noting: Noting.Noting | undefined

  const passed = (isOver: boolean) => standing.passed(clock.currentTimeMillisUnsafe(), isOver)
  const adding = (contentId: ContentId, begins: boolean) => ({ begins, first: standing.begun(contentId, path) })
  const notingOf = (contentId: ContentId) =>
    Effect.map(
      Noting.make({
        passed,
        add: (more, begins) => records.add(contentId, more, adding(contentId, begins))
      }),
      (made) => (noting = made)
    )

  const nameless = yield* Noting.make({
    passed,
    add: (more) => Effect.as(records.addOthers(more), true)
  })
  const ended = yield* activity.watch({
    meter,
    began,
    priority: priorityOf(request),
    url: withoutQuery(request.url),
    caller: callerOf(request),
    progress: () => standing.progress(),
    unnoted: () => Passed.minus(passed(false), (noting ?? nameless).noted())
  })
  yield* Effect.addFinalizer(() => (noting === undefined ? nameless.noteEnd : Effect.void))

  return {
    named: (contentId) => Effect.flatMap(notingOf(contentId), Noting.keepUp),
    complete: Effect.fnUntraced(function* (result, now) {
      standing.endedAt ??= now
      const { contentId } = result
      const { noteWith } = noting ?? (yield* notingOf(contentId))
      yield* noteWith((more, begins) =>
        records.put(standing.recordOf(result, now), { more, ...adding(contentId, begins) })
      )
    }, Effect.uninterruptible),
    ended
  }
})

/** The query of a URL often is a key to the file. */
const withoutQuery = (text: string): string => {
  const url = new URL(text)
  return url.origin + url.pathname
}
