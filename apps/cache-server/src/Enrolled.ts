/** Makes the machine a cache node of its service with a token, unless it is known there already. */
import { hostname } from "node:os"
import * as ServiceUrl from "@piecework/cloud/ServiceUrl"
import * as Enrolling from "@piecework/device/Enrolling"
import * as Enrolment from "@piecework/device/Enrolment"
import { certificatesIn } from "@piecework/device/ServiceTrust"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Option, Redacted } from "effect"
import { exitCodes } from "./ExitCode.ts"
import type { Settings } from "./Settings.ts"
import { version } from "./version.ts"

export interface EnrolledOptions {
  readonly settings: Pick<Settings, "service" | "serviceCa" | "name">
  /** The state folder. */
  readonly root: string
  readonly token: string
  /** Whether others may read along. */
  readonly allowHttp: boolean
}

/** Shows the token; answers what the service calls the machine. */
export const enrol = Effect.fn("Enrolled.enrol")(function* ({ allowHttp, root, settings, token }: EnrolledOptions) {
  const { service } = settings
  if (service === undefined) return yield* usage("Enrolling needs a service; name it with --service.")
  if (token.trim() === "")
    return yield* usage("Enrolling needs a token, as piecework-service node deployment prints it.")
  if (!ServiceUrl.isPrivate(service) && !allowHttp) {
    return yield* usage(
      "Over plain HTTP others may read the credential; use an https service, or --allow-http where nobody else listens."
    )
  }
  return yield* Enrolling.enrol({
    root,
    service,
    certificates: yield* certificatesIn(Option.fromUndefinedOr(settings.serviceCa)),
    token: Redacted.make(token.trim()),
    name: settings.name ?? (hostname().slice(0, 64) || "cache"),
    version
  })
})

/** The same, where it was not done before: a token is good for once, and a program starts again. */
export const ensure = Effect.fn("Enrolled.ensure")(function* (options: EnrolledOptions) {
  const { root, settings } = options
  if (settings.service !== undefined) {
    const known = yield* Effect.option(Enrolment.load(root, settings.service))
    if (Option.isSome(Option.flatten(known))) return
  }
  const { device } = yield* enrol(options)
  yield* Effect.logInfo(`Enrolled: this is device ${device} of ${settings.service}.`)
})

const usage = (sentence: string): Effect.Effect<never, Failure> =>
  Effect.fail(new Failure({ sentence, code: exitCodes.usage }))
