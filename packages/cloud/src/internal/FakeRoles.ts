/** Roles that answer from a list, and fail or stay silent on request: for tests of those who call them. */
import type { ContentId } from "@piecework/domain/Content"
import type { Peer } from "@piecework/domain/Peer"
import { Duration, Effect, Layer, type Scope } from "effect"
import { ArrayRpcs, Handout } from "../ArrayRpcs.ts"
import * as Caller from "../Caller.ts"
import { CloudConfig } from "../CloudConfig.ts"
import { CloudError } from "../CloudError.ts"
import { CheckReply, ContentPolicyRpcs, type ContentPolicyReply } from "../ContentPolicyRpcs.ts"
import * as Directory from "../Directory.ts"
import { type LeaseReply, type LeaseRequest } from "../LeaseRpc.ts"
import { ReportReply, type ReportRequest, ReportRpcs } from "../ReportRpcs.ts"
import { type CacheServer, KeyValueReply, type KeyValueRequest, KeyValueRpcs } from "../KeyValueRpcs.ts"
import type { Role } from "../Role.ts"
import { ContentUnknown, RequestRefused } from "../RoleError.ts"
import { endpointOf, RoleUrls } from "../RoleUrls.ts"
import { type Call, inProcess } from "./Calls.ts"

export interface Options {
  /** What ContentPolicy knows. Default nothing. */
  readonly contents?: ReadonlyArray<ContentPolicyReply>
  /** Sees each question of KeyValue, and answers the cache servers that it names. Default none. */
  readonly cacheHosts?: (request: KeyValueRequest) => ReadonlyArray<CacheServer>
  /** What every join returns but the asker. Default nobody. */
  readonly peers?: ReadonlyArray<Peer>
  /** Default 3 seconds. */
  readonly nextJoin?: Duration.Input
  /** Asked at each call: which contents are halted. Default none. */
  readonly halted?: () => ReadonlyArray<ContentId>
  /** Answers requests for leases. Default: they are refused. */
  readonly lease?: (request: LeaseRequest) => LeaseReply
  /** Sees each batch of reports; all of them are taken. Default nobody looks. */
  readonly onReport?: (request: ReportRequest) => void
  /** Asked at each call: how that role fails now, if it does. `TimedOut` takes the whole time limit. */
  readonly failing?: (role: Role) => CloudError["reason"] | undefined
}

export const calls = (options: Options): Effect.Effect<Call, never, CloudConfig | Scope.Scope> =>
  Effect.gen(function* () {
    const { timeout } = yield* CloudConfig
    const roles = yield* Layer.build(layer(options))
    const call = yield* Effect.provideContext(inProcess("127.0.0.1"), roles)
    return (role, url, use) =>
      Effect.suspend(() => {
        const reason = options.failing?.(role)
        if (reason === undefined) return call(role, url, use)
        const failure = Effect.fail(new CloudError({ role, url, reason }))
        return reason === "TimedOut" ? Effect.delay(failure, timeout) : failure
      })
  })

/** In place of the directory's. */
const keyValue = ({ cacheHosts }: Options) =>
  cacheHosts === undefined
    ? Layer.empty
    : KeyValueRpcs.toLayer(
        Effect.map(RoleUrls, (urls) => ({
          KeyValue: (request: KeyValueRequest) =>
            Effect.map(
              Effect.all({
                contentPolicyUrl: endpointOf(urls, "ContentPolicy"),
                discoveryUrl: endpointOf(urls, "Discovery")
              }),
              (endpoints) =>
                new KeyValueReply({
                  ...endpoints,
                  expiresInSeconds: 3600,
                  settings: {},
                  cacheHosts: cacheHosts(request)
                })
            )
        }))
      )

const layer = (options: Options) =>
  Layer.mergeAll(
    Directory.layer(),
    keyValue(options),
    ContentPolicyRpcs.toLayer({
      ContentPolicy: ({ contentId, altCatalogId }) => {
        const known = options.contents?.find((content) =>
          contentId === undefined
            ? altCatalogId !== undefined && content.contentUrls.includes(altCatalogId)
            : content.contentId === contentId
        )
        return known === undefined
          ? Effect.fail(new ContentUnknown({ content: contentId ?? altCatalogId ?? "" }))
          : Effect.succeed(known)
      },
      Check: ({ contentIds }) => {
        const halted = options.halted?.() ?? []
        const again = Duration.seconds(2)
        return Effect.succeed(new CheckReply({ halted: contentIds.filter((id) => halted.includes(id)), again }))
      }
    }),
    ArrayRpcs.toLayer({
      Join: ({ peerId, peersWanted }) => {
        const peers = (options.peers ?? []).filter((peer) => peer.id !== peerId)
        return Effect.succeed(
          new Handout({
            peers: peers.slice(0, peersWanted),
            nextJoin: Duration.fromInputUnsafe(options.nextJoin ?? "3 seconds"),
            candidates: peers.length
          })
        )
      },
      Leave: () => Effect.void,
      Lease: (request) =>
        options.lease === undefined
          ? Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
          : Effect.succeed(options.lease(request))
    }),
    ReportRpcs.toLayer({
      Report: (request) =>
        Effect.sync(() => {
          options.onReport?.(request)
          return new ReportReply({ taken: request.events.map(({ eventId }) => eventId), refused: [] })
        })
    }),
    Caller.layerInProcess()
  )
