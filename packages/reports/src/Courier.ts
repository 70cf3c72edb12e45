/**
 * Brings what lies in the outbox to the service. An event leaves the outbox when the service has said that it took it, or never will; if
 * that word is lost it is sent again, and the service counts it once.
 */
import { Cloud } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import { maxEvents, ReportRequest } from "@piecework/cloud/ReportRpcs"
import { Clock, Context, Duration, Effect, Layer, Random, Result, Semaphore } from "effect"
import { CourierConfig } from "./CourierConfig.ts"
import * as DownloadEvents from "./DownloadEvents.ts"
import { Outbox, type OutboxError } from "./Outbox.ts"

/** The service did not answer, or the outbox cannot be read. */
export type CourierError = CloudError | OutboxError

export class Courier extends Context.Service<
  Courier,
  {
    /** Sends everything there is, and answers how many events the service took; 0 too when it wants no reports. Fails with the first failure. */
    readonly flush: Effect.Effect<number, CourierError>
    /** Sends from time to time, for ever; while the service is away, less and less often. */
    readonly keepSending: Effect.Effect<never>
  }
>()("@piecework/reports/Courier") {
  static readonly layer: Layer.Layer<Courier, never, Cloud | CourierConfig | Outbox> = Layer.effect(
    Courier,
    Effect.suspend(() => make)
  )
}

/** A request is at most 64 KiB; this leaves room for what is around the events. */
const mostBytes = 60_000

/** The pause after so many failures in a row, in milliseconds: from half of it to one and a half, so that devices that failed together do not come together. */
export const pause = (
  failures: number,
  random: number,
  { every, firstPause, longestPause }: Pick<CourierConfig["Service"], "every" | "firstPause" | "longestPause">
): number => {
  const first = Duration.toMillis(firstPause)
  const middle =
    failures === 0
      ? Duration.toMillis(every)
      : Math.min(Duration.toMillis(longestPause), first * 2 ** Math.min(failures - 1, 30))
  return Math.round(middle * (0.5 + random))
}

const make = Effect.gen(function* () {
  const cloud = yield* Cloud
  const config = yield* CourierConfig
  const outbox = yield* Outbox
  const turn = yield* Semaphore.make(1)

  /** One batch; how many events left the outbox, and of these were taken. */
  const sendSome = Effect.gen(function* () {
    const [first, ...rest] = yield* outbox.oldest({ events: maxEvents, bytes: mostBytes })
    if (first === undefined) return { left: 0, taken: 0 }
    const { keyValue } = yield* cloud.whereabouts
    // They wait for a service that wants them, and grow too old if none comes.
    if (keyValue.reportsUrl === undefined) return { left: 0, taken: 0 }
    const { clientVersion, deviceId, osVersion, profile } = config
    const request = new ReportRequest({
      deviceId,
      clientVersion,
      profile,
      sentAt: DownloadEvents.timeOf(yield* Clock.currentTimeMillis),
      events: [first, ...rest],
      ...(osVersion === undefined ? {} : { osVersion: osVersion.slice(0, 64) })
    })
    const { refused, taken } = yield* cloud.report(keyValue.reportsUrl, request)
    yield* outbox.remove([...taken, ...refused])
    return { left: taken.length + refused.length, taken: taken.length }
  })

  const flush = Effect.gen(function* () {
    let taken = 0
    while (true) {
      const some = yield* sendSome
      taken += some.taken
      if (some.left === 0) return taken
    }
  }).pipe(turn.withPermit, Effect.withSpan("Courier.flush"))

  const keepSending = Effect.gen(function* () {
    let failures = 0
    // Devices that start together, as after a power cut, do not send together.
    yield* Effect.sleep(Math.round(Duration.toMillis(config.every) * (yield* Random.next)))
    while (true) {
      const outcome = yield* Effect.result(flush).pipe(
        // Else nobody would hear of it, and nothing be told any more.
        Effect.tapDefect((defect) => Effect.logError("Reports cannot be sent.", defect)),
        Effect.catchDefect(() => Effect.succeed(Result.fail({ message: "a defect" })))
      )
      if (Result.isFailure(outcome)) yield* Effect.logDebug("reports not sent", outcome.failure)
      failures = Result.isFailure(outcome) ? failures + 1 : 0
      yield* Effect.sleep(pause(failures, yield* Random.next, config))
    }
  })

  return Courier.of({ flush, keepSending })
})
