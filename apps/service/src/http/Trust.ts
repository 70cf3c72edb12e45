/** Who may do what at this service: what is known of tokens and devices, and the calls about them. */
import type { CallerMiddleware } from "@piecework/cloud/Caller"
import * as EnrolRpcs from "@piecework/cloud/EnrolRpcs"
import type { Database } from "@piecework/database/Database"
import type { Failure } from "@piecework/terminal/Failure"
import { Admission } from "@piecework/trust/Admission"
import * as AdmissionConfig from "@piecework/trust/AdmissionConfig"
import { Audit } from "@piecework/trust/Audit"
import { Authenticator } from "@piecework/trust/Authenticator"
import { Credentials } from "@piecework/trust/Credentials"
import * as EnrolHandlers from "@piecework/trust/EnrolHandlers"
import * as TrustHandlers from "@piecework/trust/TrustHandlers"
import * as TrustRpcs from "@piecework/trust/TrustRpcs"
import type { Rate } from "@piecework/trust/Bucket"
import { Layer, Option } from "effect"
import type { HttpRouter } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import * as SessionRoutes from "../console/SessionRoutes.ts"
import { explained, ofDatabase } from "../Explained.ts"

export interface Options {
  readonly requireEnrolment: boolean
  /** Whether the process knows credentials at all; without them whoever presents a token is nobody. */
  readonly hasCredentials: boolean
  /** Requests of one address, and of one device or operator; default what `AdmissionConfig` says. */
  readonly perAddress?: Option.Option<Rate>
  readonly perIdentity?: Option.Option<Rate>
}

/** What is known of tokens and devices, its troubles in words. */
export const credentials: Layer.Layer<Audit | Credentials, Failure, Database> = explained(
  Credentials.layer.pipe(Layer.provideMerge(Audit.layer)),
  ofDatabase
)

/** Who is let in, and the calls of devices that enrol and of administrators. */
export interface Trust {
  readonly admission: Layer.Layer<Admission, Failure>
  readonly routes: Layer.Layer<never, Failure, Admission | HttpRouter.HttpRouter | CallerMiddleware>
  /** How operators sign in with a browser. */
  readonly sessions: (options: SessionRoutes.Options) => Layer.Layer<never, Failure, Admission | HttpRouter.HttpRouter>
  /** Whether it knows any. */
  readonly hasCredentials: boolean
}

export const make = (
  { hasCredentials, perAddress, perIdentity, requireEnrolment }: Options,
  database: Layer.Layer<Database, Failure>
): Trust => {
  const config = AdmissionConfig.layer({
    requireEnrolment,
    perAddress: Option.getOrElse(perAddress ?? Option.none(), () => AdmissionConfig.defaults.perAddress),
    perIdentity: Option.getOrElse(perIdentity ?? Option.none(), () => AdmissionConfig.defaults.perIdentity)
  })
  if (!hasCredentials) {
    return {
      admission: Admission.layer.pipe(Layer.provide([config, Authenticator.layerNone])),
      routes: Layer.empty,
      sessions: SessionRoutes.layerNone,
      hasCredentials
    }
  }
  const kept = credentials.pipe(Layer.provide(database))
  return {
    admission: Admission.layer.pipe(Layer.provide([config, Authenticator.layer.pipe(Layer.provide(kept))])),
    routes: calls.pipe(Layer.provide(kept)),
    sessions: (options) => SessionRoutes.layer(options).pipe(Layer.provide(kept)),
    hasCredentials
  }
}

/** A defect in one must not end the others. */
const calls = Layer.mergeAll(
  RpcServer.layerHttp({
    group: EnrolRpcs.EnrolRpcs,
    path: EnrolRpcs.path,
    protocol: "http",
    disableFatalDefects: true
  }).pipe(Layer.provide(EnrolHandlers.layer)),
  RpcServer.layerHttp({
    group: TrustRpcs.TrustRpcs,
    path: TrustRpcs.path,
    protocol: "http",
    disableFatalDefects: true
  }).pipe(Layer.provide(TrustHandlers.layer))
).pipe(Layer.provide(RpcSerialization.layerJson))
