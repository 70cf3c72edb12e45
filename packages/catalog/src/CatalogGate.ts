/**
 * The gate of a service with a catalog. The terms of all contents are kept in memory, about 200 bytes each; one query a
 * second brings what changed since, whoever changed it. While the database fails, the gate goes by what it knew last.
 */
import { Gate, obey, type Verdict } from "@piecework/cloud/Gate"
import type { Identity } from "@piecework/cloud/Identity"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import type { ContentId } from "@piecework/domain/Content"
import { Clock, Effect, Layer, Schedule, Semaphore } from "effect"
import { verdictOf } from "./Admission.ts"
import { Catalog, removalKept } from "./Catalog.ts"
import { CatalogConfig } from "./CatalogConfig.ts"
import type { Terms } from "./Published.ts"

/** Changes that are read at once: a few milliseconds of this thread. */
const atOnce = 500

export const layer: Layer.Layer<Gate, DatabaseError, Catalog | CatalogConfig> = Layer.effect(
  Gate,
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const { refreshEvery, unknownContents } = yield* CatalogConfig
    const clock = yield* Clock.Clock
    const turn = yield* Semaphore.make(1)
    let terms = new Map<ContentId, Terms>()
    let version = 0
    let lookedAt = -Infinity
    let looks = 0
    let isFailing = false

    const readOn = Effect.gen(function* () {
      looks++
      const now = clock.currentTimeMillisUnsafe()
      // That a content is gone is told for a time only; whoever did not ask for longer begins anew.
      const isLate = now - lookedAt > removalKept / 2
      const next = isLate ? new Map<ContentId, Terms>() : terms
      let from = isLate ? 0 : version
      while (true) {
        const changes = yield* catalog.changes({ version: from, most: atOnce })
        for (const change of changes) {
          if (change.terms === undefined) next.delete(change.contentId)
          else next.set(change.contentId, change.terms)
          from = change.version
        }
        if (changes.length < atOnce) break
      }
      terms = next
      version = from
      lookedAt = now
    })

    const refresh = turn.withPermit(readOn)
    const refreshOrTell = refresh.pipe(
      Effect.andThen(() => {
        const wasFailing = isFailing
        isFailing = false
        return wasFailing ? Effect.logInfo("The catalog can be read again.") : Effect.void
      }),
      Effect.catch((error) => {
        const wasFailing = isFailing
        isFailing = true
        return wasFailing ? Effect.void : Effect.logError(`${error.message} Who may have what stays as it is.`)
      })
    )
    /** For contents that are not known here: what was published just now is looked for, once for all who ask meanwhile. */
    const lookAgain = Effect.suspend(() => {
      const before = looks
      return turn.withPermit(Effect.suspend(() => (looks > before ? Effect.void : readOn)))
    })

    const verdict = (identity: Identity, contentId: ContentId): Verdict => {
      const known = terms.get(contentId)
      if (known !== undefined) return verdictOf(known, identity, clock.currentTimeMillisUnsafe())
      return unknownContents === "Take" ? "Allowed" : "Unknown"
    }

    // Nothing is answered before it is known who may have what.
    yield* refresh
    yield* refreshOrTell.pipe(
      Effect.repeat(Schedule.spaced(refreshEvery)),
      Effect.delay(refreshEvery),
      Effect.forkScoped
    )

    return Gate.of({
      verdict,
      pass: (identity, contentId) =>
        Effect.suspend(() => {
          if (terms.has(contentId) || unknownContents === "Take") return obey(verdict(identity, contentId), contentId)
          // A database that fails is told by the look that is made anyway.
          return Effect.andThen(
            Effect.ignore(lookAgain),
            Effect.suspend(() => obey(verdict(identity, contentId), contentId))
          )
        })
    })
  })
)
