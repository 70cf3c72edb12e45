/**
 * An HTTPS server whose certificate is read again when its files change, once a minute or on SIGHUP, without a connection being
 * lost. A pair that does not fit, or cannot be read, is said in the log, and the one before goes on being used.
 */
import { X509Certificate } from "node:crypto"
import type { Server as HttpServer } from "node:http"
import { createServer, type Server } from "node:https"
import { Failure } from "@piecework/terminal/Failure"
import * as CertificateFiles from "@piecework/trust/CertificateFiles"
import * as TlsFolder from "@piecework/trust/TlsFolder"
import { Effect, Option, Queue, Result, type Scope } from "effect"
import { exitCodes } from "../ExitCode.ts"

export interface Files extends CertificateFiles.PairFiles {
  /** Folder of our own authority, when it made them; then they are made anew before they expire. */
  readonly ownFolder: string | undefined
}

/** Where the certificate is: what was named, else what `init` made, else there is none and the service speaks plain HTTP. */
export const filesFor = (options: {
  readonly tlsCert: Option.Option<string>
  readonly tlsKey: Option.Option<string>
  readonly plainHttp: boolean
  readonly data: string
}): Effect.Effect<Files | undefined, Failure> =>
  Effect.gen(function* () {
    const [certificate, key] = [Option.getOrUndefined(options.tlsCert), Option.getOrUndefined(options.tlsKey)]
    if ((certificate === undefined) !== (key === undefined)) {
      return yield* usage("--tls-cert and --tls-key belong together: a certificate is of no use without its key.")
    }
    if (certificate !== undefined && key !== undefined) {
      if (options.plainHttp) return yield* usage("--plain-http and --tls-cert exclude each other.")
      return { certificate, key, ownFolder: undefined }
    }
    const ownFolder = folderIn(options.data)
    if (options.plainHttp || !(yield* TlsFolder.isThere(ownFolder))) return undefined
    const places = TlsFolder.placesIn(ownFolder)
    return { certificate: places.certificate, key: places.key, ownFolder }
  })

/** Where `init` makes an authority in the data folder. */
export const folderIn = (data: string): string => `${data.replace(/\/+$/, "")}/tls`

/** The server, which does not listen yet; its certificate is looked after until the scope closes. */
export const make = (files: Files, options: object): Effect.Effect<HttpServer, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    yield* renewed(files)
    const first = yield* CertificateFiles.read(files).pipe(
      Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.file }))
    )
    const server = createServer({ ...options, ...first, ...settings })
    yield* watch(server, files, first)
    return server
  })

const settings = { minVersion: "TLSv1.2", handshakeTimeout: 10_000, ALPNProtocols: ["http/1.1"] } as const

/** Between two looks at the files. */
const lookEvery = "1 minute"

const watch = Effect.fnUntraced(function* (server: Server, files: Files, first: CertificateFiles.Pair) {
  let current = first
  const hangups = yield* Queue.sliding<void>(1)
  const onHangup = () => void Queue.offerUnsafe(hangups, undefined)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", onHangup)),
    () => Effect.sync(() => process.off("SIGHUP", onHangup))
  )
  let troubleSaid: string | undefined
  const look = Effect.gen(function* () {
    yield* renewed(files)
    const next = yield* Effect.result(CertificateFiles.read(files))
    if (Result.isFailure(next)) {
      // Once for each trouble: this comes again every minute.
      if (troubleSaid !== next.failure.message) yield* Effect.logError(next.failure)
      troubleSaid = next.failure.message
      return
    }
    troubleSaid = undefined
    if (next.success.cert === current.cert && next.success.key === current.key) return
    current = next.success
    server.setSecureContext({ ...current, minVersion: settings.minVersion })
    yield* Effect.logInfo("The certificate was read again.").pipe(
      Effect.annotateLogs({ until: new X509Certificate(current.cert).validTo })
    )
  })
  const signalled = Effect.raceFirst(Queue.take(hangups), Effect.sleep(lookEvery))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(signalled, look)))
})

/** Makes one of our own authority anew when it is time; that this fails is no reason not to serve. */
const renewed = ({ ownFolder }: Files): Effect.Effect<void> =>
  ownFolder === undefined
    ? Effect.void
    : TlsFolder.renew(ownFolder).pipe(
        Effect.flatMap((is) => (is ? Effect.logInfo("The certificate was renewed.") : Effect.void)),
        Effect.catch((error) => Effect.logError(error))
      )

const usage = (sentence: string): Effect.Effect<never, Failure> =>
  Effect.fail(new Failure({ sentence, code: exitCodes.usage }))
