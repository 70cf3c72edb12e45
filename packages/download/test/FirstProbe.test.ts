import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import type { Origin } from "@piecework/sources/Origin"
import { SourceError, SourceId } from "@piecework/sources/PieceSource"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import * as DownloadConfig from "../src/DownloadConfig.ts"
import * as FirstProbe from "../src/FirstProbe.ts"

const url = Result.getOrThrow(ContentUrl.parse("http://origin.test/file"))
const refusal = new SourceError({ source: SourceId.make("origin"), reason: "ServerFailed", status: 503, url })

describe("the first look at an origin", () => {
  it.effect("keeps no connection of an attempt that was refused", () =>
    Effect.gen(function* () {
      let attempts = 0
      let open = 0
      let mostOpen = 0
      const connection = Effect.acquireRelease(
        Effect.sync(() => {
          attempts++
          mostOpen = Math.max(mostOpen, ++open)
        }),
        () => Effect.sync(() => open--)
      )
      const origin: Origin = {
        id: refusal.source,
        kind: "Origin",
        url,
        probe: () => Effect.andThen(connection, Effect.fail(refusal)),
        stream: () => Effect.fail(refusal),
        fetch: () => Effect.fail(refusal),
        received: () => 0
      }
      const probing = yield* Effect.forkChild(Effect.flip(FirstProbe.take([origin], 1024, { lastFailure: undefined })))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(probing), refusal)
      assert.isAbove(attempts, 5)
      assert.strictEqual(mostOpen, 1)
      assert.strictEqual(open, 0)
    }).pipe(Effect.provide(DownloadConfig.layer()))
  )
})
