/**
 * The cloud services as a download uses them: one method a role, and `lookup`, which goes through Geo, KeyValue and
 * ContentPolicy. Answers are hostile until decoded: whatever comes back, or does not, every method ends within the time
 * limit with a value of the contract or a `CloudError`.
 */
import { type ContentId, hashOfHashes } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Digest } from "@piecework/domain"
import { Schema, Clock, Cache, Context, Duration, Effect, Exit, Layer, Option, Redacted, Ref, type Scope } from "effect"
import type { HttpClient } from "effect/http"
import { Handout, type JoinRequest, type LeaveRequest } from "./ArrayRpcs.ts"
import { CloudConfig } from "./CloudConfig.ts"
import { CloudError } from "./CloudError.ts"
import { CheckReply, CheckRequest, ContentPolicyReply, ContentPolicyRequest } from "./ContentPolicyRpcs.ts"
import { type ArrayInstance, DiscoveryRequest } from "./DiscoveryRpcs.ts"
import type { EndpointUrl } from "./Fields.ts"
import { type GeoReply, GeoRequest } from "./GeoRpcs.ts"
import * as Calls from "./internal/Calls.ts"
import * as FakeRoles from "./internal/FakeRoles.ts"
import { type KeyValueReply, KeyValueRequest } from "./KeyValueRpcs.ts"
import { LeaseReply, type LeaseRequest } from "./LeaseRpc.ts"
import { ReportReply, type ReportRequest } from "./ReportRpcs.ts"
import { isSigned } from "./PolicySignature.ts"
import { paths } from "./Role.ts"
import { isSameOrigin } from "./ServiceUrl.ts"

/** A content by its id, or by its URL at the origin. */
export type ContentQuery = { readonly contentId: ContentId } | { readonly url: ContentUrl }

/** What the service told about this client and its roles; kept until it expires. */
export interface Whereabouts {
  readonly geo: GeoReply
  readonly keyValue: KeyValueReply
}

/** Everything known about a content before its first byte. */
export interface Lookup extends Whereabouts {
  readonly policy: ContentPolicyReply
}

export class Cloud extends Context.Service<
  Cloud,
  {
    /** Asks Geo and KeyValue, or answers what they said while it is current; callers at one time share one asking. */
    readonly whereabouts: Effect.Effect<Whereabouts, CloudError>
    /** Calls with what the services told last, if they did, and with whatever they tell next, until the scope closes. Asks nobody. */
    readonly onWhereabouts: (heard: (told: Whereabouts) => void) => Effect.Effect<void, never, Scope.Scope>
    /** KeyValue and ContentPolicy are told from now on that this cache server is in use, as DOCacheHost would name it. */
    readonly usesCacheHost: (name: string) => Effect.Effect<void>
    /** `whereabouts` and the content's policy. Endpoints that fail are asked for again once. */
    readonly lookup: (content: ContentQuery) => Effect.Effect<Lookup, CloudError>
    /** Headers that prove who this device is, for a URL at the service itself; none for any other. */
    readonly proofFor: (url: string) => Readonly<Record<string, string>>
    readonly geo: Effect.Effect<GeoReply, CloudError>
    readonly keyValue: (geo: GeoReply) => Effect.Effect<KeyValueReply, CloudError>
    readonly contentPolicy: (
      whereabouts: Whereabouts,
      content: ContentQuery
    ) => Effect.Effect<ContentPolicyReply, CloudError>
    /** Which of the contents are halted. The reply's are some of those asked for, and its `again` is 1 s to a minute, whatever came. */
    readonly check: (
      whereabouts: Whereabouts,
      contentIds: readonly [ContentId, ...ReadonlyArray<ContentId>]
    ) => Effect.Effect<CheckReply, CloudError>
    /** The Array instances for the content, best first; at least one. */
    readonly discover: (
      whereabouts: Whereabouts,
      contentId: ContentId
    ) => Effect.Effect<readonly [ArrayInstance, ...ReadonlyArray<ArrayInstance>], CloudError>
    /** Joins the swarm, or joins it again. The handout's `nextJoin` is at least 500 ms and at most an hour, whatever came. */
    readonly join: (array: EndpointUrl, request: JoinRequest) => Effect.Effect<Handout, CloudError>
    readonly leave: (array: EndpointUrl, request: LeaveRequest) => Effect.Effect<void, CloudError>
    /** Asks for leases. The reply's runs are pieces of the content, and its `again` is 100 ms to a minute, whatever came. */
    readonly lease: (array: EndpointUrl, request: LeaseRequest) => Effect.Effect<LeaseReply, CloudError>
    /** Reports events. What the reply says was taken or refused is of these events, whatever came. */
    readonly report: (reports: EndpointUrl, request: ReportRequest) => Effect.Effect<ReportReply, CloudError>
  }
>()("@piecework/cloud/Cloud") {
  /** Over HTTP, at `CloudConfig`'s service. */
  static readonly layer: Layer.Layer<Cloud, never, CloudConfig | HttpClient.HttpClient> = Layer.effect(
    Cloud,
    Effect.flatMap(Calls.overHttp, (call) => make(call))
  )

  /**
   * On handlers in the same process, through the same groups: those of `Directory`, of `catalog` and of `swarm`, or a
   * test's own. `externalIp` is where they see this client.
   */
  static readonly layerHandlers = (options?: {
    readonly externalIp?: string
  }): Layer.Layer<Cloud, never, CloudConfig | Calls.Handlers> =>
    Layer.effect(
      Cloud,
      Effect.flatMap(Calls.inProcess(options?.externalIp ?? "127.0.0.1"), (call) => make(call))
    )

  /** Answers what it is given, and fails or stays silent where it is told to. */
  static readonly layerTest = (options?: FakeRoles.Options): Layer.Layer<Cloud, never, CloudConfig> =>
    Layer.effect(
      Cloud,
      Effect.flatMap(FakeRoles.calls(options ?? {}), (call) => make(call))
    )
}

const make = Effect.fnUntraced(function* (call: Calls.Call) {
  const config = yield* CloudConfig
  const calls = yield* Ref.make(0)
  const { clientVersion, credential, profile, serviceUrl } = config
  const geoUrl = config.serviceUrl.replace(/\/+$/, "") + paths.Geo
  const groupId = config.groupId === undefined ? {} : { groupId: config.groupId }

  const geo = Effect.gen(function* () {
    const callId = yield* Ref.getAndUpdate(calls, (n) => n + 1)
    const request = new GeoRequest({ clientVersion, profile, callId, ...groupId })
    return yield* call("Geo", geoUrl, (client) => client.Geo(request))
  }).pipe(Effect.withSpan("Cloud.geo"))

  let cacheHost: string | undefined
  const inUse = () => (cacheHost === undefined ? {} : { cacheHost })
  const usesCacheHost = (name: string) => Effect.sync(() => void (cacheHost = name.slice(0, longestCacheHost)))

  const keyValue = Effect.fn("Cloud.keyValue")(function* (known: GeoReply) {
    const request = new KeyValueRequest({ clientVersion, profile, ...countryOf(known), ...inUse() })
    return yield* call("KeyValue", known.keyValueUrl, (client) => client.KeyValue(request))
  })

  const contentPolicy = Effect.fn("Cloud.contentPolicy")(function* (known: Whereabouts, content: ContentQuery) {
    const named = "contentId" in content ? { contentId: content.contentId } : { altCatalogId: content.url }
    const request = new ContentPolicyRequest({ clientVersion, profile, ...named, ...countryOf(known.geo), ...inUse() })
    const url = known.keyValue.contentPolicyUrl
    const policy = yield* call("ContentPolicy", url, (client) => client.ContentPolicy(request))
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    if (config.serviceKeys.length > 0 && !isSigned(encode(policy), policy.signatures ?? [], config.serviceKeys, now)) {
      return yield* new CloudError({ role: "ContentPolicy", url, reason: "Unsigned" })
    }
    const asked = !("contentId" in content) || policy.contentId === content.contentId
    if (
      asked &&
      Digest.equals(
        policy.hashOfHashes,
        Option.getOrElse(hashOfHashes(policy.contentId), () => noBytes)
      )
    ) {
      return policy
    }
    // The id is the hash of hashes, so such an answer is about another content, or about none.
    return yield* new CloudError({ role: "ContentPolicy", url, reason: "Unintelligible" })
  })

  const check = Effect.fn("Cloud.check")(function* (
    known: Whereabouts,
    contentIds: readonly [ContentId, ...ReadonlyArray<ContentId>]
  ) {
    const url = known.keyValue.contentPolicyUrl
    const reply = yield* call("ContentPolicy", url, (client) => client.Check(new CheckRequest({ contentIds })))
    return new CheckReply({
      halted: reply.halted.filter((id) => contentIds.includes(id)),
      again: Duration.clamp(reply.again, checkPause)
    })
  })

  const discover = Effect.fn("Cloud.discover")(function* (current: Whereabouts, contentId: ContentId) {
    const request = new DiscoveryRequest({
      contentId,
      partitionId: 0,
      clientVersion,
      profile,
      ...countryOf(current.geo),
      ...groupId
    })
    return yield* call("Discovery", current.keyValue.discoveryUrl, (client) => client.Discover(request)).pipe(
      // Where it was said to be it is no more, so the next who asks is told anew.
      Effect.tapError((error) =>
        isLost(error) ? Cache.invalidateWhen(known, "whereabouts", (kept) => kept === current) : Effect.void
      )
    )
  })

  const join = Effect.fn("Cloud.join")(function* (array: EndpointUrl, request: JoinRequest) {
    const handout = yield* call("Array", array, (client) => client.Join(request))
    return new Handout({
      candidates: handout.candidates,
      nextJoin: Duration.clamp(handout.nextJoin, shortestPause),
      // No more than were asked for, and not oneself: a service that errs must not make a client dial itself.
      peers: handout.peers.filter(({ id }) => id !== request.peerId).slice(0, request.peersWanted)
    })
  })

  const leave = Effect.fn("Cloud.leave")(function* (array: EndpointUrl, request: LeaveRequest) {
    yield* call("Array", array, (client) => client.Leave(request))
  })

  const lease = Effect.fn("Cloud.lease")(function* (array: EndpointUrl, request: LeaseRequest) {
    const reply = yield* call("Array", array, (client) => client.Lease(request))
    return new LeaseReply({
      runs: reply.runs.filter(({ first, count }) => first + count <= request.pieceCount),
      again: Duration.clamp(reply.again, leasePause)
    })
  })

  const report = Effect.fn("Cloud.report")(function* (reports: EndpointUrl, request: ReportRequest) {
    const reply = yield* call("Reports", reports, (client) => client.Report(request))
    const sent = new Set(request.events.map(({ eventId }) => eventId))
    return new ReportReply({
      taken: reply.taken.filter((id) => sent.has(id)),
      refused: reply.refused.filter((id) => sent.has(id))
    })
  })

  let last: Whereabouts | undefined
  const listeners = new Set<(told: Whereabouts) => void>()
  const onWhereabouts: Cloud["Service"]["onWhereabouts"] = (heard) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => {
          listeners.add(heard)
          if (last !== undefined) heard(last)
        }),
        () => Effect.sync(() => listeners.delete(heard))
      )
    )

  const known = yield* Cache.makeWith<"whereabouts", Whereabouts, CloudError>(
    (): Effect.Effect<Whereabouts, CloudError> =>
      Effect.gen(function* () {
        const located = yield* geo
        last = { geo: located, keyValue: yield* keyValue(located) }
        for (const heard of listeners) heard(last)
        return last
      }),
    {
      capacity: 1,
      timeToLive: Exit.match({
        onSuccess: ({ keyValue: { expiresInSeconds } }) =>
          Duration.clamp(Duration.seconds(expiresInSeconds), whereaboutsKept),
        onFailure: () => Duration.zero
      })
    }
  )
  const whereabouts = Cache.get(known, "whereabouts")

  const lookup = Effect.fn("Cloud.lookup")(function* (content: ContentQuery) {
    const first = yield* whereabouts
    const ask = (current: Whereabouts) =>
      Effect.map(contentPolicy(current, content), (policy): Lookup => ({ ...current, policy }))
    return yield* Effect.catchIf(ask(first), isLost, (error) =>
      Effect.gen(function* () {
        yield* Cache.invalidateWhen(known, "whereabouts", (current) => current === first)
        const second = yield* whereabouts
        const same = second.keyValue.contentPolicyUrl === first.keyValue.contentPolicyUrl
        return yield* same ? Effect.fail(error) : ask(second)
      })
    )
  })

  const proofFor = (url: string): Readonly<Record<string, string>> =>
    credential !== undefined && isSameOrigin(serviceUrl, url)
      ? { authorization: `Bearer ${Redacted.value(credential)}` }
      : {}

  return Cloud.of({
    whereabouts,
    onWhereabouts,
    usesCacheHost,
    lookup,
    proofFor,
    geo,
    keyValue,
    contentPolicy,
    check,
    discover,
    join,
    leave,
    lease,
    report
  })
})

/** A service's word for the time until the next join is taken within these: it must neither flood nor silence a client. */
const shortestPause = { minimum: Duration.millis(500), maximum: Duration.hours(1) }
/** Its word for the time until a client renews its leases within these. */
const leasePause = { minimum: Duration.millis(100), maximum: Duration.minutes(1) }
/** Its word for the time until a client checks again what it has in use within these. */
const checkPause = { minimum: Duration.seconds(1), maximum: Duration.minutes(1) }
/** And its word for how long its whereabouts hold within these. */
const whereaboutsKept = { minimum: Duration.minutes(1), maximum: Duration.days(1) }

/** Characters, as `Fields.CacheHost` takes them. */
const longestCacheHost = 1024

/** As it came over the wire. */
const encode = Schema.encodeSync(ContentPolicyReply)

const noBytes = new Uint8Array()

const countryOf = ({ countryCode }: GeoReply) => (countryCode === undefined ? {} : { countryCode })

/** The role did not answer where it was said to be: it may have moved. */
const isLost = ({ reason }: CloudError): boolean => !answered.has(reason)

/** What a role itself says, and not the way to it. */
const answered: ReadonlySet<CloudError["reason"]> = new Set([
  "ContentUnknown",
  "ContentHalted",
  "Refused",
  "NotEnrolled",
  "CredentialRefused"
])
