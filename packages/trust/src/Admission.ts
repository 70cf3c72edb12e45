/**
 * Who is let in: every request to the service passes here before anything of its body is read. What is refused is said in the log
 * with its reason, and to the caller without one.
 */
import { anonymous, type Identity } from "@piecework/cloud/Identity"
import { Clock, Context, Effect, Layer, Result, Schema } from "effect"
import { AdmissionConfig } from "./AdmissionConfig.ts"
import { Authenticator } from "./Authenticator.ts"
import * as Bucket from "./Bucket.ts"
import * as Buckets from "./Buckets.ts"
import type { RouteRule } from "./RouteRule.ts"
import * as Token from "./Token.ts"

/** What is known of a request from its head. */
export interface Arrival {
  readonly rule: RouteRule
  /** Where it comes from, as far as that is known. */
  readonly address: string
  /** Nobody on the way could read it: TLS, a proxy of ours that says so, or this machine itself. */
  readonly isPrivate: boolean
  /** The header `authorization`. */
  readonly authorization: string | undefined
}

/** The request is not let in. */
export class NotAdmitted extends Schema.TaggedError<NotAdmitted>()("NotAdmitted", {
  reason: Schema.Literals([
    /** Who presents no token is not served here. */
    "TokenWanted",
    "TokenRefused",
    /** An operator's token came over a way that others can read; it should be taken for known to them. */
    "Overheard",
    /** Whoever it is, this is for operators. */
    "OperatorWanted",
    "TooMany",
    /** Whether the token is good cannot be found out now. */
    "Unavailable"
  ]),
  /** After how many seconds another try makes sense. */
  retryAfter: Schema.optionalKey(Schema.Natural)
}) {
  override get message(): string {
    switch (this.reason) {
      case "TokenWanted":
        return "This service wants a token."
      case "TokenRefused":
        return "This token is not accepted."
      case "Overheard":
        return "Operators' tokens are taken over HTTPS only; this one may be known to others now and is to be revoked."
      case "OperatorWanted":
        return "This is for operators."
      case "TooMany":
        return "These are too many requests."
      case "Unavailable":
        return "Tokens cannot be checked at the moment."
    }
  }
}

export class Admission extends Context.Service<
  Admission,
  {
    /** Who it is, when that is known at once and it is let in; what it costs is counted then. Else nothing, and nothing is counted. */
    readonly admitNow: (arrival: Arrival, now: number) => Identity | undefined
    readonly admit: (arrival: Arrival) => Effect.Effect<Identity, NotAdmitted>
    /** Counts an enrolment, before it is tried. */
    readonly enrolling: (address: string) => Effect.Effect<void, NotAdmitted>
    /** An enrolment token from there was refused: counts like any other token that is. */
    readonly enrolmentRefused: (address: string, reason: string) => Effect.Effect<void>
  }
>()("@piecework/trust/Admission") {
  static readonly layer: Layer.Layer<Admission, never, AdmissionConfig | Authenticator> = Layer.effect(
    Admission,
    Effect.suspend(() => make)
  )
}

/** Most addresses and tokens whose rates are known at a time, about 150 bytes each. */
const mostKeys = 65_536
/** Lines in the log about refusals; more are counted. */
const logged: Bucket.Rate = { perSecond: 20, burst: 200 }

const make = Effect.gen(function* () {
  const config = yield* AdmissionConfig
  const authenticator = yield* Authenticator
  const addresses = Buckets.make(config.perAddress, mostKeys)
  const identities = Buckets.make(config.perIdentity, mostKeys)
  const refusalsOfAddress = Buckets.make(config.refusalsPerAddress, mostKeys)
  const refusalsOfToken = Buckets.make(config.refusalsPerToken, mostKeys)
  const enrolments = Buckets.make(config.enrolments, mostKeys)
  const log = Bucket.full(logged, yield* Clock.currentTimeMillis)
  let unsaid = 0

  const say = (now: number, notes: Readonly<Record<string, string | number>>): Effect.Effect<void> => {
    if (!Bucket.take(log, logged, now)) return Effect.sync(() => void unsaid++)
    const before = unsaid === 0 ? {} : { unsaid }
    unsaid = 0
    return Effect.logWarning("A request was refused.").pipe(Effect.annotateLogs({ ...notes, ...before }))
  }

  const refused = (
    now: number,
    { address, rule }: Arrival,
    error: NotAdmitted,
    notes?: { readonly why?: string | undefined; readonly token?: string | undefined }
  ) => {
    const { why = error.reason, token } = notes ?? {}
    const who = token === undefined ? {} : { token }
    return Effect.andThen(say(now, { route: rule.name, address, reason: why, ...who }), Effect.fail(error))
  }
  const tooMany = (now: number, arrival: Arrival, retryAfter: number, why: string) =>
    refused(now, arrival, new NotAdmitted({ reason: "TooMany", retryAfter }), { why })

  const wantsToken = ({ wants }: RouteRule) => wants === "Operator" || (wants === "Device" && config.requireEnrolment)

  /** Somebody known, and only so often. */
  const welcome = (now: number, arrival: Arrival, identity: Identity): Effect.Effect<Identity, NotAdmitted> => {
    if (identity._tag === "Anonymous") {
      return wantsToken(arrival.rule)
        ? refused(now, arrival, new NotAdmitted({ reason: "TokenWanted" }))
        : Effect.succeed(identity)
    }
    const wait = identities.take(identity.id, now)
    if (wait > 0) return tooMany(now, arrival, wait, `requests of ${identity.id}`)
    return arrival.rule.wants === "Operator" && identity._tag !== "Operator"
      ? refused(now, arrival, new NotAdmitted({ reason: "OperatorWanted" }), { token: identity.id })
      : Effect.succeed(identity)
  }

  const check = Effect.fnUntraced(function* (arrival: Arrival, token: string) {
    const now = yield* Clock.currentTimeMillis
    const site = siteOf(arrival.address)
    const wait = refusalsOfAddress.pause(site, now)
    if (wait > 0) return yield* tooMany(now, arrival, wait, "tokens refused before")
    const found = yield* Effect.result(authenticator.identify(token))
    if (Result.isSuccess(found)) return yield* welcome(now, arrival, found.success)
    const error = found.failure
    if (error._tag === "DatabaseError") {
      yield* Effect.logError(error)
      return yield* refused(now, arrival, new NotAdmitted({ reason: "Unavailable", retryAfter: 5 }))
    }
    // Once a token's own share is used up it counts against nobody else behind the same address.
    const again = error.claimed === undefined ? 0 : refusalsOfToken.take(`${error.claimed} ${site}`, now)
    if (again > 0) return yield* tooMany(now, arrival, again, `refusals of ${error.claimed}`)
    refusalsOfAddress.take(site, now)
    const refusal = new NotAdmitted({ reason: "TokenRefused" })
    return yield* refused(now, arrival, refusal, { why: error.reason, token: error.claimed })
  })

  return Admission.of({
    admitNow: ({ address, authorization, isPrivate, rule }, now) => {
      const site = isLoopback(address) ? undefined : siteOf(address)
      if (site !== undefined && addresses.pause(site, now) > 0) return undefined
      const token = tokenIn(authorization)
      if (!isPrivate && token !== undefined && isOperators(token)) return undefined
      const identity = token === undefined ? anonymous : authenticator.recall(token, now)
      if (identity === undefined) return undefined
      if (identity._tag === "Anonymous") {
        if (wantsToken(rule)) return undefined
        if (site !== undefined) addresses.take(site, now)
        return anonymous
      }
      if (rule.wants === "Operator" && identity._tag !== "Operator") return undefined
      if (identities.pause(identity.id, now) > 0) return undefined
      identities.take(identity.id, now)
      if (site !== undefined) addresses.take(site, now)
      return identity
    },

    admit: (arrival) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const { address, authorization } = arrival
        if (!isLoopback(address)) {
          const wait = addresses.take(siteOf(address), now)
          if (wait > 0) return tooMany(now, arrival, wait, "requests of the address")
        }
        const token = tokenIn(authorization)
        if (token === undefined) return welcome(now, arrival, anonymous)
        if (!arrival.isPrivate && isOperators(token)) {
          return refused(now, arrival, new NotAdmitted({ reason: "Overheard" }))
        }
        const known = authenticator.recall(token, now)
        return known === undefined ? check(arrival, token) : welcome(now, arrival, known)
      }),

    enrolling: Effect.fnUntraced(function* (address) {
      const now = yield* Clock.currentTimeMillis
      const site = siteOf(address)
      const retryAfter = Math.max(refusalsOfAddress.pause(site, now), enrolments.take(site, now))
      if (retryAfter > 0) return yield* new NotAdmitted({ reason: "TooMany", retryAfter })
    }),

    enrolmentRefused: Effect.fnUntraced(function* (address, reason) {
      const now = yield* Clock.currentTimeMillis
      refusalsOfAddress.take(siteOf(address), now)
      yield* say(now, { route: "/rpc/enrol", address, reason })
    })
  })
})

const operatorPrefixes = [`${Token.prefixes.Operator}_`, `${Token.prefixes.Session}_`]
const isOperators = (token: string): boolean => operatorPrefixes.some((prefix) => token.startsWith(prefix))

/** The token in the header; one that has another form than "Bearer <token>" is taken whole, and is nobody's. */
const tokenIn = (authorization: string | undefined): string | undefined =>
  authorization === undefined ? undefined : authorization.replace(/^bearer +/i, "")

/** An IPv4 address, or the network that an IPv6 address is in: its first 64 bits, which a household has to itself. */
export const siteOf = (address: string): string => {
  if (!address.includes(":")) return address
  const [head = "", tail] = address.toLowerCase().split("::")
  const groups = head === "" ? [] : head.split(":")
  const rest = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => "0")
  const network = [...groups, ...zeros, ...rest].slice(0, 4)
  return `${network.map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::`
}

export const isLoopback = (address: string): boolean =>
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address) || address === "::1"
