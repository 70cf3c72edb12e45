/**
 * What administrators say to the service about tokens and devices. `Operator` tokens and their sessions are for Admin; enrolment tokens and
 * devices for Enrol, and devices may be looked at with Read.
 */
import { CallerMiddleware } from "@piecework/cloud/Caller"
import { Secret } from "@piecework/cloud/EnrolRpcs"
import { OperatorScope } from "@piecework/cloud/Identity"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Credential, Groups, Kind, Name } from "./Credential.ts"

/** Path of these calls under a service's URL. */
export const path = "/rpc/admin/trust"

/** Most credentials in one answer. */
export const mostListed = 1_000

/** The middle of a token, which is what it is called. */
const Id = Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/))

/** Seconds from now; absent means for ever. */
const Lifetime = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10 * 366 * 24 * 3600 })))

/** A token, which is shown this once. */
export const Issued = Schema.Struct({ credential: Credential, token: Secret })

/** There is no such thing. */
export class CredentialUnknown extends Schema.TaggedError<CredentialUnknown>()("CredentialUnknown", {
  kind: Kind,
  id: Schema.String
}) {
  override get message(): string {
    const nouns = { Operator: "token", Enrolment: "enrolment token", Device: "device", Session: "session" } as const
    return `There is no ${nouns[this.kind]} ${this.id}.`
  }
}

const CreateToken = Rpc.make("CreateToken", {
  payload: {
    name: Name,
    scopes: Schema.NonEmptyArray(OperatorScope).check(Schema.isMaxLength(8)),
    lifetimeSeconds: Lifetime
  },
  success: Issued,
  error: RequestRefused
})

const CreateEnrolment = Rpc.make("CreateEnrolment", {
  payload: {
    name: Name,
    groups: Groups,
    uses: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
    lifetimeSeconds: Lifetime
  },
  success: Issued,
  error: RequestRefused
})

/** By id; those after `after`, when it is given; those whose name or id has `search` in it, whatever its case. */
const List = Rpc.make("List", {
  payload: {
    kind: Kind,
    after: Schema.optionalKey(Id),
    /** Default `mostListed`. */
    most: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostListed }))),
    search: Schema.optionalKey(Schema.NonEmptyString.check(Schema.isMaxLength(64)))
  },
  success: Schema.Array(Credential).check(Schema.isMaxLength(mostListed)),
  error: RequestRefused
})

const named = { kind: Kind, id: Id }
const NotDone = Schema.Union([CredentialUnknown, RequestRefused])

const Show = Rpc.make("Show", { payload: named, success: Credential, error: NotDone })

/** Revoking twice changes nothing. It is known everywhere in the service within five seconds. */
const Revoke = Rpc.make("Revoke", { payload: named, success: Credential, error: NotDone })

const SetGroups = Rpc.make("SetGroups", { payload: { id: Id, groups: Groups }, success: Credential, error: NotDone })

export class TrustRpcs extends RpcGroup.make(CreateToken, CreateEnrolment, List, Show, Revoke, SetGroups).middleware(
  CallerMiddleware
) {}
