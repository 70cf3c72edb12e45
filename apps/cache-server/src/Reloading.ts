/**
 * SIGHUP: the settings are read again, and the certificate, which is also looked at every minute. What cannot be used is said, and what was in
 * force stays so; what needs another start is named.
 */
import type { CacheNodeError } from "@piecework/cachenode/CacheNode"
import type { Failure } from "@piecework/terminal/Failure"
import { Supervisor } from "@piecework/terminal/Supervisor"
import * as CertificateFiles from "@piecework/trust/CertificateFiles"
import { Effect, Queue, Result } from "effect"
import { Live } from "./Live.ts"
import * as Orders from "./Orders.ts"
import type { Settings } from "./Settings.ts"

export interface ReloadingOptions {
  readonly reread: Effect.Effect<Settings, Failure>
  readonly renew: (certificate: CertificateFiles.Pair) => Effect.Effect<void, CacheNodeError>
}

/** Between two looks at the certificate. */
const lookEvery = "1 minute"

/** Listens until the scope closes. */
export const onHangup = Effect.fn("Reloading.onHangup")(function* ({ renew, reread }: ReloadingOptions) {
  const live = yield* Live
  const { reloading } = yield* Supervisor
  const hangups = yield* Queue.sliding<void>(1)
  const heard = () => void Queue.offerUnsafe(hangups, undefined)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", heard)),
    () => Effect.sync(() => process.off("SIGHUP", heard))
  )

  const settle = Effect.gen(function* () {
    const before = live.settings()
    const read = yield* Effect.result(reread)
    if (Result.isFailure(read)) {
      return yield* Effect.logError(`${read.failure.sentence} What was in force stays so.`)
    }
    const words = Orders.needStart(before, read.success)
    live.resettle({
      ...before,
      allow: read.success.allow,
      origins: read.success.origins,
      maxOut: read.success.maxOut,
      cid: read.success.cid,
      name: read.success.name
    })
    yield* Effect.logInfo("The settings were read again.")
    if (words.length > 0) yield* Effect.logWarning(`From the next start on: ${words.join(", ")}.`)
  })

  const { tls } = live.settings()
  let current: string | undefined
  let troubleSaid: string | undefined
  const lookAtCertificate = Effect.gen(function* () {
    if (tls === undefined) return
    const pair = yield* CertificateFiles.read(tls)
    const text = `${pair.cert}${pair.key}`
    const isOther = current !== undefined && current !== text
    current = text
    if (!isOther) return
    yield* renew(pair)
    yield* Effect.logInfo("The certificate was read again.")
  }).pipe(
    Effect.tap(() => Effect.sync(() => void (troubleSaid = undefined))),
    Effect.catch((error) => {
      // Once for each trouble: this comes again every minute.
      const isNews = troubleSaid !== error.message
      troubleSaid = error.message
      return isNews ? Effect.logError(error) : Effect.void
    })
  )

  yield* lookAtCertificate
  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(Queue.take(hangups), reloading(Effect.andThen(settle, lookAtCertificate))))
  )
  if (tls !== undefined)
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(lookEvery), lookAtCertificate)))
})
