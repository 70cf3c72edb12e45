/** By what this device knows its service, and the service this device: certificates, and the credential of its enrolment. */
import { readFile } from "node:fs/promises"
import { originOf } from "@piecework/cloud/ServiceUrl"
import { Failure } from "@piecework/terminal/Failure"
import { Context, Effect, Layer, Option, type Redacted } from "effect"
import * as Enrolment from "./Enrolment.ts"
import { exitCodes } from "@piecework/terminal/ExitCode"
import { StateFolder } from "./StateFolder.ts"

export class ServiceTrust extends Context.Service<
  ServiceTrust,
  {
    /** In PEM; `undefined` for the system's. */
    readonly certificates: string | undefined
    /** The same for plain HTTP requests to the service's origin. */
    readonly certificatesOf: ReadonlyMap<string, ReadonlyArray<string>>
    readonly credential: Redacted.Redacted<string> | undefined
  }
>()("@piecework/device/ServiceTrust") {
  static readonly layer = (options: Named): Layer.Layer<ServiceTrust, Failure, StateFolder> =>
    Layer.effect(
      ServiceTrust,
      Effect.flatMap(StateFolder, ({ root }) => make(options, root))
    )

  /** With the enrolment of a state folder that is not made for it. */
  static readonly layerIn = (root: string, options: Named): Layer.Layer<ServiceTrust, Failure> =>
    Layer.effect(ServiceTrust, make(options, root))
}

interface Named {
  readonly service: Option.Option<string>
  readonly serviceCa: Option.Option<string>
}

/** A named file with certificates has to work; without the enrolment a download goes on, as one of a device that has none. */
const make = Effect.fnUntraced(function* (
  options: Named,
  root: string
): Effect.fn.Return<ServiceTrust["Service"], Failure> {
  const service = Option.getOrUndefined(options.service)
  if (service === undefined) return none
  const enrolment = yield* Effect.catch(Enrolment.load(root, service), (error) =>
    Effect.as(Effect.logWarning(error), Option.none<Enrolment.Enrolment>())
  )
  const given = yield* certificatesIn(options.serviceCa)
  const known = Option.getOrUndefined(enrolment)
  const certificates = given ?? known?.certificates
  const origin = originOf(service)
  return {
    certificates,
    certificatesOf:
      certificates === undefined || origin === undefined ? new Map() : new Map([[origin, [certificates]]]),
    credential: known?.credential
  }
})

const none: ServiceTrust["Service"] = { certificates: undefined, certificatesOf: new Map(), credential: undefined }

/** The file's text, when there is a file. */
export const certificatesIn = (file: Option.Option<string>): Effect.Effect<string | undefined, Failure> =>
  Option.match(
    Option.filter(file, (name) => name !== ""),
    {
      onNone: () => Effect.succeed(undefined),
      onSome: (name) =>
        Effect.flatMap(
          Effect.tryPromise({
            try: () => readFile(name, "utf8"),
            catch: () => new Failure({ sentence: `The certificates in ${name} cannot be read.`, code: exitCodes.usage })
          }),
          (text) =>
            /-----BEGIN CERTIFICATE-----/.test(text)
              ? Effect.succeed(text)
              : Effect.fail(
                  new Failure({ sentence: `There is no certificate in PEM in ${name}.`, code: exitCodes.usage })
                )
        )
    }
  )
