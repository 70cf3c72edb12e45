/**
 * Joins, leaves and leases of swarms that live in this process, answered without a fiber, a schema or a message: what comes
 * in by far the most often takes a twentieth of the time so. The form on the wire is that of the Array role, and whatever
 * is unusual (a swarm that lives elsewhere or is new, a call that is not as it should be) goes on to it as if nobody had
 * looked: the role is the specification, and this a way round it. Whoever is not let in at once goes the long way too.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Gate } from "@piecework/cloud/Gate"
import type { Identity } from "@piecework/cloud/Identity"
import * as ArrayWire from "@piecework/cloud/ArrayWire"
import { paths } from "@piecework/cloud/Role"
import { RequestRefused } from "@piecework/cloud/RoleError"
import * as Handouts from "@piecework/swarm/Handouts"
import { Swarms } from "@piecework/swarm/Swarms"
import * as Spans from "@piecework/telemetry/Spans"
import { Admission } from "@piecework/trust/Admission"
import * as RouteRule from "@piecework/trust/RouteRule"
import { Clock, Effect, Layer } from "effect"
import { note, type Outcome } from "../operation/Traffic.ts"
import * as HttpCaller from "./HttpCaller.ts"
import type { Shortcut, ShortcutServer } from "./ShortcutServer.ts"

/** In force while the layer's scope is open. */
export const layer = (
  server: ShortcutServer,
  options: HttpCaller.Options
): Layer.Layer<never, never, Admission | Gate | Swarms> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const answer = answering(yield* Swarms, yield* Gate, clock)
      const admitted = admitting(yield* Admission, clock, options)
      const isTelling = yield* Spans.Telling
      yield* Effect.acquireRelease(
        Effect.sync(() => void (server.shortcut = shortcutOf(answer, admitted, isTelling))),
        () => Effect.sync(() => void (server.shortcut = undefined))
      )
    })
  )

interface Answer {
  readonly text: string
  readonly outcome: Outcome
}

/** The answer to the text of a request, or nothing when the role is to answer. */
type Answering = (text: string, from: Admitted) => Answer | undefined

const answering =
  (swarms: Swarms["Service"], gate: Gate["Service"], clock: Clock.Clock): Answering =>
  (text, { externalIp, identity }) => {
    const call = ArrayWire.decode(text)
    if (call === undefined) return undefined
    // What is refused, and why, the role says.
    const mayHave = call.tag === "Leave" || gate.verdict(identity, call.request.contentId) === "Allowed"
    if (!mayHave) return undefined
    const epoch = clock.currentTimeMillisUnsafe()
    const swarm = swarms.resident(call.request.contentId, groupOf(call), epoch)
    if (swarm === undefined) return undefined
    switch (call.tag) {
      case "Join":
        return ok(ArrayWire.success(call.id, Handouts.toJson(swarm.join(call.request, externalIp, epoch))))
      case "Leave":
        swarm.leave(call.request.peerId, externalIp, elapsedOf(clock))
        return ok(ArrayWire.success(call.id, "null"))
      case "Lease": {
        const reply = swarm.lease(call.request, externalIp, { epoch, elapsed: elapsedOf(clock) })
        return reply === undefined
          ? { text: ArrayWire.refusal(call.id, new RequestRefused({ reason: "NotAllowed" })), outcome: "refused" }
          : ok(ArrayWire.success(call.id, ArrayWire.leaseReply(reply)))
      }
    }
  }

const ok = (text: string): Answer => ({ text, outcome: "ok" })

/** A leave says its group in every mode, as the role takes it. */
const groupOf = (call: ArrayWire.Call): string | undefined =>
  call.tag === "Leave" || call.request.scope === "Group" ? call.request.groupId : undefined

const elapsedOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

const rule = RouteRule.of(paths.Array)

/** Where a request comes from, and who sent it. */
interface Admitted {
  readonly externalIp: string
  readonly identity: Identity
}

/** That, when the request is let in at once. */
type Admitting = (request: IncomingMessage) => Admitted | undefined

const admitting = (admission: Admission["Service"], clock: Clock.Clock, options: HttpCaller.Options): Admitting => {
  const originOf = HttpCaller.originOf(options)
  return ({ headers, socket }) => {
    const { externalIp, isPrivate } = originOf(socket.remoteAddress, headers)
    const arrival = { rule, address: externalIp, isPrivate, authorization: headers.authorization }
    const identity = admission.admitNow(arrival, clock.currentTimeMillisUnsafe())
    return identity === undefined ? undefined : { externalIp, identity }
  }
}

const shortcutOf =
  (answer: Answering, admitted: Admitting, isTelling: boolean): Shortcut =>
  (request, response, giveBack) => {
    if (request.method !== "POST" || !isOfArray(request.url)) return false
    // The short way makes no spans.
    if (isTelling && isTraced(request)) return false
    const length = Number(request.headers["content-length"])
    if (!Number.isInteger(length) || length <= 0 || length > rule.maxBody) return false
    const from = admitted(request)
    if (from === undefined) return false
    whenRead(request, length, (body) => {
      const found = answer(body.toString(), from)
      if (found !== undefined) {
        note(request, found.outcome)
        return send(response, found.text)
      }
      request.unshift(body)
      giveBack()
    })
    return true
  }

const isTraced = ({ headers: { traceparent } }: IncomingMessage): boolean =>
  typeof traceparent === "string" && Spans.parse(traceparent)?.sampled === true

/** With a slash at its end as well: some clients put one there. */
const isOfArray = (url: string | undefined): boolean => url === paths.Array || url === `${paths.Array}/`

/** Once all of it is there; a request that is never whole the server ends by itself. */
const whenRead = (request: IncomingMessage, length: number, use: (body: Buffer) => void): void => {
  const look = () => {
    const body: Buffer | null = request.read(length)
    if (body === null) return
    request.off("readable", look)
    use(body)
  }
  request.on("readable", look)
}

/** What is in it is ASCII but for what the caller said itself, and that is not repeated. */
const send = (response: ServerResponse, text: string): void => {
  response.writeHead(200, { "content-type": "application/json", "content-length": text.length }).end(text, "latin1")
}
