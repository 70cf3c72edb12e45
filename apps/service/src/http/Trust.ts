/** Who may do what at this service: what is known of tokens and devices, and the calls about them. */
import * as EnrolRpcs from "@piecework/cloud/EnrolRpcs"
import type { Database } from "@piecework/database/Database"
import { Admission } from "@piecework/trust/Admission"
import * as AdmissionConfig from "@piecework/trust/AdmissionConfig"
import { Audit } from "@piecework/trust/Audit"
import { Authenticator } from "@piecework/trust/Authenticator"
import { Credentials } from "@piecework/trust/Credentials"
import * as EnrolHandlers from "@piecework/trust/EnrolHandlers"
import * as TrustHandlers from "@piecework/trust/TrustHandlers"
import * as TrustRpcs from "@piecework/trust/TrustRpcs"
import { Layer } from "effect"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { explained, type Failure, ofDatabase } from "../Failure.ts"

export interface Options {
  readonly requireEnrolment: boolean
}

/** What is known of tokens and devices, its troubles in words. */
export const credentials: Layer.Layer<Audit | Credentials, Failure, Database> = explained(
  Credentials.layer.pipe(Layer.provideMerge(Audit.layer)),
  ofDatabase
)

/** Who is let in. */
export const layer = ({ requireEnrolment }: Options): Layer.Layer<Admission | Audit | Credentials, Failure, Database> =>
  Admission.layer.pipe(
    Layer.provide([Authenticator.layer, AdmissionConfig.layer({ requireEnrolment })]),
    Layer.provideMerge(credentials)
  )

/** The calls of devices that enrol, and of administrators. A defect in one must not end the others. */
export const routes = Layer.mergeAll(
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
