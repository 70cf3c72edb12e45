/** A device becomes known to a service by a token that its administrator handed out, and keeps what it gets for that. */
import * as EnrolRpcs from "@piecework/cloud/EnrolRpcs"
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { exitCodes } from "@piecework/terminal/ExitCode"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, type Redacted } from "effect"
import type { RpcClient, RpcClientError, RpcGroup } from "effect/rpc"
import * as Enrolment from "./Enrolment.ts"
import * as Layers from "./Layers.ts"

type Client = RpcClient.RpcClient<RpcGroup.Rpcs<typeof EnrolRpcs.EnrolRpcs>, RpcClientError.RpcClientError>

export interface CallingOptions {
  readonly service: string
  /** In PEM; `undefined` for the system's. */
  readonly certificates: string | undefined
  /** Of a device that is enrolled already. */
  readonly credential: Redacted.Redacted<string> | undefined
}

/** One call to the service, its troubles in words. */
export const calling = <A, E>(
  { certificates, credential, service }: CallingOptions,
  use: (client: Client) => Effect.Effect<A, E>
) =>
  HttpRpc.call(EnrolRpcs.EnrolRpcs, { url: service.replace(/\/+$/, "") + EnrolRpcs.path, token: credential })(use).pipe(
    Effect.provide(Layers.nodeHttp(certificates)),
    Effect.mapError((error) => {
      if (error instanceof HttpRpc.ServiceError) {
        const isAnswer =
          error.reason === "TokenRefused" || error.reason === "TokenWanted" || error.reason === "NotAllowed"
        return new Failure({ sentence: error.message, code: isAnswer ? exitCodes.refused : exitCodes.unreachable })
      }
      const isBusy = error instanceof RequestRefused && error.reason === "Overloaded"
      return new Failure({
        sentence: isBusy
          ? "The service has had too many enrolments from here; try again later."
          : "The service does not accept this token or credential; ask its administrator for another.",
        code: exitCodes.refused
      })
    })
  )

export interface EnrolOptions {
  /** The state folder. */
  readonly root: string
  readonly service: string
  readonly certificates: string | undefined
  readonly token: Redacted.Redacted<string>
  /** What people are to call the device. */
  readonly name: string
  /** Of the program. */
  readonly version: string
}

/** Shows the token, and keeps the credential that it is good for. */
export const enrol = Effect.fn("Enrolling.enrol")(function* (options: EnrolOptions) {
  const { certificates, name, root, service, token, version } = options
  const reply = yield* calling({ service, certificates, credential: undefined }, (client) =>
    client.Enrol(new EnrolRpcs.EnrolRequest({ token, name, clientVersion: version }))
  )
  yield* keep(root, Enrolment.of(service, reply, certificates))
  return reply
})

export const keep = (root: string, enrolment: Enrolment.Enrolment) =>
  Effect.mapError(Enrolment.store(root, enrolment), unkept)

export const unkept = (error: Enrolment.EnrolmentError): Failure =>
  new Failure({ sentence: error.message, code: exitCodes.storage })
