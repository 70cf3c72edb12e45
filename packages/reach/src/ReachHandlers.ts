/**
 * Answers whether the caller is reached from here: one TCP connection to the address that the call came from, at the port that it names,
 * without a byte sent. What the answer tells is of the caller's own address only. Never dialled are this machine, loopback, link-local
 * addresses with the metadata services of clouds, and proxies, behind which the address is somebody else's.
 */
import { Caller } from "@piecework/cloud/Caller"
import { type ReachOutcome, ReachReply, ReachRpcs } from "@piecework/cloud/ReachRpcs"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { zoneOf } from "@piecework/sources/ReservedAddress"
import type { TransportError } from "@piecework/transport/ByteStream"
import { Transport } from "@piecework/transport/Transport"
import { Clock, Effect } from "effect"
import { ReachConfig } from "./ReachConfig.ts"
import * as ReachLimits from "./ReachLimits.ts"

export const layer = ReachRpcs.toLayer(
  Effect.gen(function* () {
    const config = yield* ReachConfig
    const transport = yield* Transport
    const limits = ReachLimits.make()

    const isBarred = (address: string, headers: Readonly<Record<string, unknown>>): boolean =>
      zoneOf(address) !== "Elsewhere" ||
      config.bars(address) ||
      config.own().has(address) ||
      (!config.knowsProxies && passedOn.some((name) => headers[name] !== undefined))

    const dial = (host: string, port: number): Effect.Effect<ReachOutcome> =>
      Effect.scoped(transport.dial({ host, port, timeout: config.timeout })).pipe(
        Effect.match({ onSuccess: () => "Reachable" as const, onFailure: outcomeOf })
      )

    return ReachRpcs.of({
      Reach: Effect.fn("Reach")(function* ({ port }, { headers }) {
        const { externalIp: address } = yield* Caller
        if (isBarred(address, headers)) return new ReachReply({ outcome: "NotTried", address })
        const now = yield* Clock.currentTimeMillis
        const outcome = yield* Effect.acquireUseRelease(
          Effect.sync(() => limits.begin(address, port, now)),
          (isAllowed): Effect.Effect<ReachOutcome, RequestRefused> =>
            isAllowed ? dial(address, port) : Effect.fail(new RequestRefused({ reason: "Overloaded" })),
          (isAllowed) => Effect.sync(() => (isAllowed ? limits.done(address) : undefined))
        )
        return new ReachReply({ outcome, address })
      })
    })
  })
)

/** Headers that proxies add on the way. Source: RFC 7239, RFC 9110 §7.6.3. */
const passedOn = ["x-forwarded-for", "forwarded", "via"] as const

const outcomeOf = ({ reason }: TransportError): ReachOutcome => (reason === "TimedOut" ? "Silent" : "Refused")
