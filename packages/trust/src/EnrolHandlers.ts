/** Devices that enrol, get a new credential, or retire. */
import { Caller } from "@piecework/cloud/Caller"
import { EnrolReply, EnrolRpcs } from "@piecework/cloud/EnrolRpcs"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Effect, Option, Redacted } from "effect"
import { Admission } from "./Admission.ts"
import { Credentials, type Issued } from "./Credentials.ts"

const notAllowed = new RequestRefused({ reason: "NotAllowed" })

const replyOf = ({ credential, token }: Issued): EnrolReply =>
  new EnrolReply({ device: credential.id, credential: token, groups: credential.groups })

/** The id of the device that calls. */
const device = Effect.flatMap(Caller, ({ identity }) =>
  identity._tag === "Device" ? Effect.succeed(identity) : Effect.fail(notAllowed)
)

export const layer = EnrolRpcs.toLayer(
  Effect.gen(function* () {
    const credentials = yield* Credentials
    const admission = yield* Admission
    return EnrolRpcs.of({
      Enrol: Effect.fnUntraced(function* ({ name, token }) {
        const { externalIp } = yield* Caller
        yield* Effect.mapError(admission.enrolling(externalIp), () => new RequestRefused({ reason: "Overloaded" }))
        const issued = yield* credentials.enrol(Redacted.value(token), name).pipe(
          Effect.catchTag("EnrolmentRefused", ({ reason }) =>
            Effect.andThen(admission.enrolmentRefused(externalIp, reason), Effect.fail(notAllowed))
          ),
          Effect.catchTag("DatabaseError", Effect.die)
        )
        return replyOf(issued)
      }),
      Rotate: () =>
        Effect.gen(function* () {
          const { id } = yield* device
          const issued = yield* Effect.orDie(credentials.rotate(id))
          return Option.isNone(issued) ? yield* notAllowed : replyOf(issued.value)
        }),
      Retire: () =>
        Effect.gen(function* () {
          const identity = yield* device
          yield* Effect.orDie(credentials.revoke(identity, "Device", identity.id))
        })
    })
  })
)
