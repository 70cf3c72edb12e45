import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import type { HttpBody } from "@piecework/sources/HttpClient"
import type { Origin, Probe } from "@piecework/sources/Origin"
import { SourceError, SourceId } from "@piecework/sources/PieceSource"
import { Clock, Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { DownloadConfig } from "@piecework/download"
import * as SteadyBody from "../src/SteadyBody.ts"

const url = Result.getOrThrow(ContentUrl.parse("http://origin.test/file"))
const closed = new SourceError({ source: SourceId.make("origin:http://origin.test"), reason: "Closed", url })
const broken: HttpBody = { fill: () => Effect.fail(closed) as never, received: () => 0 }
const probe: Probe = {
  status: 200,
  headers: new Map(),
  url,
  contentLength: 10,
  contentRange: undefined,
  body: broken,
  size: 10,
  ranges: true,
  validator: '"a"',
  contentType: undefined
}
const origin: Origin = {
  id: closed.source,
  kind: "Origin",
  url,
  probe: () => Effect.succeed(probe),
  stream: () => Effect.fail(closed),
  fetch: () => Effect.fail(closed),
  received: () => 0
}

describe("a body that mends itself", () => {
  it.effect("gives up when it was told to, not when its next attempt would have been", () =>
    Effect.gen(function* () {
      const body = yield* SteadyBody.make({ origin, probe, from: 0 })
      const ending = yield* Effect.forkChild(
        Effect.andThen(Effect.flip(body.fill(new Uint8Array(10))), Clock.currentTimeMillis)
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(ending), 10_000)
    }).pipe(Effect.provide(DownloadConfig.layer({ noProgressTimeout: "10 seconds" })))
  )
})
