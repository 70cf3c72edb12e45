import { assert, describe, it } from "@effect/vitest"
import { Sampler, Spans } from "@piecework/telemetry"
import { Deferred, Effect, Exit, Fiber, Option, References, Scope, Tracer } from "effect"
import * as TellingTracer from "../src/internal/TellingTracer.ts"

/** A tracer that keeps what it is told, around which ours is put. */
const telling = (sampler: Sampler.Sampler = Sampler.usual, most?: number) => {
  const spans: Array<Tracer.NativeSpan> = []
  const inner = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const run = <A, E>(effect: Effect.Effect<A, E>) =>
    effect.pipe(
      Effect.provideService(Tracer.Tracer, TellingTracer.make(inner, { sampler, told: Spans.told, most })),
      Effect.provideService(Spans.Telling, true)
    )
  return { run, spans, names: () => spans.map(({ name }) => name) }
}

const parentOf = (span: Tracer.Span | undefined) => Option.getOrUndefined(span?.parent ?? Option.none())?.spanId
const { download, request } = Spans.names

describe("A place in a trace", () => {
  const header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  it("is read from a header and written as one", () => {
    const place = Spans.parse(header)
    assert.deepStrictEqual(place, {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      sampled: true
    })
    assert.strictEqual(place === undefined ? "" : Spans.written(place), header)
    assert.strictEqual(Spans.parse(`01${header.slice(2)}-more`)?.sampled, true)
    assert.strictEqual(Spans.parse(`${header.slice(0, -2)}02`)?.sampled, false)
  })

  for (const wrong of [
    undefined,
    "",
    header.toUpperCase(),
    header.slice(0, -1),
    `${header}0`,
    `ff${header.slice(2)}`,
    header.replace(/0af\w+/, "0".repeat(32)),
    header.replace(/b7a\w+/, "0".repeat(16)),
    `${header}-${"x".repeat(300)}`
  ]) {
    it(`is not ${wrong === undefined ? "nothing" : `"${wrong.slice(0, 70)}"`}`, () => {
      assert.isUndefined(Spans.parse(wrong))
    })
  }
})

describe("What is told", () => {
  it.effect("is what has a name of its own; the rest stands for what surrounds it", () =>
    Effect.gen(function* () {
      const { names, run, spans } = telling()
      const asked = Effect.fn("HttpClient.get")(() => Spans.context.pipe(Spans.within(request)))
      const place = yield* run(
        Effect.withSpan(asked(), "Fetches.run").pipe(
          Effect.withSpan("Swarm.start"),
          Spans.within(download, { parent: null })
        )
      )
      assert.deepStrictEqual(names(), [download, request])
      assert.strictEqual(parentOf(spans[1]), spans[0]?.spanId)
      assert.deepStrictEqual(place, { traceId: spans[0]?.traceId ?? "", spanId: spans[1]?.spanId ?? "", sampled: true })
    })
  )

  it.effect("is nothing outside of a download, and nothing where nobody is told", () =>
    Effect.gen(function* () {
      const { names, run } = telling()
      const place = yield* run(Spans.context.pipe(Spans.within(request), Effect.withSpan("Cloud.join")))
      assert.isUndefined(place)
      const off = Spans.context.pipe(Spans.within(download), Effect.provideService(References.TracerEnabled, false))
      assert.isUndefined(yield* off)
      assert.deepStrictEqual(names(), [])
    })
  )

  it.effect("is of one name only so much, and how much more there was is said", () =>
    Effect.gen(function* () {
      const { run, spans } = telling(Sampler.usual, 3)
      const asking = Effect.forEach([1, 2, 3, 4, 5], () => Spans.within(request)(Effect.void), { discard: true })
      yield* run(Spans.within(download)(asking))
      assert.strictEqual(spans.length, 1 + 3)
      assert.strictEqual(spans[0]?.attributes.get("piecework.untold.http request"), 2)
    })
  )

  it.effect("hangs under another program's span, as far as that one is told", () =>
    Effect.gen(function* () {
      const { run, spans } = telling()
      const parent = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true }
      const served = (sampled: boolean) => Spans.within(Spans.names.cacheRequest, { parent: { ...parent, sampled } })
      yield* run(served(true)(Spans.within(request)(Effect.void)))
      yield* run(served(false)(Spans.within(request)(Effect.void)))
      assert.deepStrictEqual(
        spans.map((span) => [span.name, span.traceId, parentOf(span)]),
        [
          [Spans.names.cacheRequest, parent.traceId, parent.spanId],
          [request, parent.traceId, spans[0]?.spanId]
        ]
      )
    })
  )

  it.effect("is what a sampler takes, whole or not at all", () =>
    Effect.gen(function* () {
      const off = telling({ isParentBased: true, ratio: 0 })
      const place = yield* off.run(Spans.within(download)(Spans.within(request)(Spans.context)))
      assert.isUndefined(place)
      assert.isTrue(off.spans.every(({ name }) => name === download))
      const stubborn = telling({ isParentBased: false, ratio: 0 })
      const parent = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true }
      yield* stubborn.run(Spans.within(Spans.names.cacheRequest, { parent })(Effect.void))
      assert.deepStrictEqual(stubborn.names(), [])
    })
  )

  it.effect("has nothing secret in it", () =>
    Effect.gen(function* () {
      const { run, spans } = telling()
      class Refused extends Error {
        readonly _tag = "Refused"
      }
      const fails = Effect.fail(
        new Refused("GET http://me:word@host/file?token=secret gives 403; see https://host/why?k=secret.")
      )
      const attributes = {
        "url.full": "https://me:word@host/file?token=secret#part",
        "url.query": "token=secret",
        "http.request.header.authorization": "Bearer secret",
        other: "at ftp://word@host/x?secret"
      }
      yield* Effect.exit(run(Spans.within(download, { attributes })(fails)))
      const [span] = spans
      const { status } = span ?? {}
      const failure = status?._tag === "Ended" && Exit.isFailure(status.exit) ? String(status.exit.cause) : ""
      const all = JSON.stringify([...(span?.attributes ?? [])]) + failure
      assert.notMatch(all, /secret|word|Bearer/)
      assert.strictEqual(span?.attributes.get("url.full"), "https://host/file")
      assert.include(failure, "GET http://host/file gives 403")
    })
  )

  it.effect("says at its end what it came to, also when it is interrupted", () =>
    Effect.gen(function* () {
      const { run, spans } = telling()
      const begun = yield* Deferred.make<void>()
      const waiting = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
      const surrounded = Spans.within(download, { atEnd: (exit) => ({ ok: Exit.isSuccess(exit), none: undefined }) })
      const fiber = yield* Effect.forkChild(run(surrounded(waiting)))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([...(spans[0]?.attributes ?? [])], [["ok", false]])

      const scope = yield* Scope.make()
      yield* run(Scope.provide(Spans.scoped(download, { atEnd: () => ({ bytes: 7 }) }), scope))
      assert.strictEqual(spans[1]?.status._tag, "Started")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(spans[1]?.status._tag, "Ended")
      assert.strictEqual(spans[1]?.attributes.get("bytes"), 7)
    })
  )

  it.effect("of what is over has the time in which it was", () =>
    Effect.gen(function* () {
      const { run, spans } = telling()
      const parent = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true }
      yield* run(Spans.past(Spans.names.peerServed, { parent, kind: "server" }, -5_000_000n))
      const [span] = spans
      assert.deepStrictEqual(
        [span?.status.startTime, span?.kind, span?.traceId],
        [-5_000_000n, "server", parent.traceId]
      )
      yield* Spans.past(Spans.names.peerServed, { parent }, 0n)
      assert.strictEqual(spans.length, 1)
    })
  )
})
