/** How one RPC of a role is called: over HTTP, or on handlers in the same process. Either ends in time, with a value or a `CloudError`. */
import { Cause, Duration, Effect, Option, Redacted, Result, Schema, Scope } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { type Rpc, RpcClient, RpcClientError, type RpcGroup, RpcSerialization, RpcTest } from "effect/rpc"
import { ArrayRpcs } from "../ArrayRpcs.ts"
import { type CallerMiddleware, externalIpHeader } from "../Caller.ts"
import { CloudConfig } from "../CloudConfig.ts"
import { CloudError } from "../CloudError.ts"
import { ContentPolicyRpcs } from "../ContentPolicyRpcs.ts"
import { DiscoveryRpcs } from "../DiscoveryRpcs.ts"
import { GeoRpcs } from "../GeoRpcs.ts"
import { KeyValueRpcs } from "../KeyValueRpcs.ts"
import * as Patience from "@piecework/domain/Patience"
import { ReportRpcs } from "../ReportRpcs.ts"
import { isFor } from "../ServiceUrl.ts"
import { challengeOf, isUntrusted } from "./Challenge.ts"
import * as Kept from "./Kept.ts"
import { readReply } from "./Reply.ts"
import type { Role } from "../Role.ts"
import { ContentHalted, ContentUnknown, RequestRefused } from "../RoleError.ts"

const AllRpcs = GeoRpcs.merge(KeyValueRpcs, ContentPolicyRpcs, DiscoveryRpcs, ArrayRpcs, ReportRpcs)
type Rpcs = RpcGroup.Rpcs<typeof AllRpcs>
type Client = RpcClient.RpcClient<Rpcs, RpcClientError.RpcClientError>
type Failure = RpcClientError.RpcClientError | ContentUnknown | ContentHalted | RequestRefused

/** What handlers in the same process need to be there. */
export type Handlers = Rpc.ToHandler<Rpcs> | CallerMiddleware

/** Asks `role` at `url`. */
export type Call = <A>(
  role: Role,
  url: string,
  use: (client: Client) => Effect.Effect<A, Failure>
) => Effect.Effect<A, CloudError>

/** A client serves one call at a time. */
export const overHttp: Effect.Effect<Call, never, CloudConfig | HttpClient.HttpClient | Scope.Scope> = Effect.gen(
  function* () {
    const config = yield* CloudConfig
    const http = yield* HttpClient.HttpClient
    const clients = yield* Kept.make(
      Effect.fnUntraced(
        function* (url: string): Effect.fn.Return<Client, never, Scope.Scope | RpcSerialization.RpcSerialization> {
          const bounded = http.pipe(
            HttpClient.mapRequest(HttpClientRequest.setUrl(url)),
            HttpClient.mapRequest(proving(url, config)),
            HttpClient.transform((effect, request) => Effect.flatMap(effect, readReply(request, config.maxReplyBytes)))
          )
          // The span of a call is the caller's own, and its place goes along in the headers.
          const protocol = yield* RpcClient.makeProtocolHttp(bounded)
          return yield* Effect.provideService(
            RpcClient.make(AllRpcs, { disableTracing: true }),
            RpcClient.Protocol,
            protocol
          )
        },
        Effect.provideService(RpcSerialization.RpcSerialization, RpcSerialization.json)
      )
    )
    return (role, url, use) =>
      clients.with(url, use).pipe(
        // A redirect is an answer, and never the contract's: a captive portal, or http where https is wanted.
        Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
        ended(role, url, config.timeout)
      )
  }
)

/** Shows who we are to those who may see it. */
const proving =
  (url: string, { credential, serviceUrl }: CloudConfig["Service"]) =>
  (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
    credential !== undefined && isFor(serviceUrl, url)
      ? HttpClientRequest.bearerToken(request, Redacted.value(credential))
      : request

/** The same contract on handlers in this process; `externalIp` is where they see the calls come from. */
export const inProcess = (externalIp: string): Effect.Effect<Call, never, CloudConfig | Handlers | Scope.Scope> =>
  Effect.gen(function* () {
    const config = yield* CloudConfig
    const client = yield* RpcTest.makeClient(AllRpcs, { disableFatalDefects: true })
    return (role, url, use) =>
      use(client).pipe(RpcClient.withHeaders({ [externalIpHeader]: externalIp }), ended(role, url, config.timeout))
  })

const ended =
  (role: Role, url: string, timeout: Duration.Duration) =>
  <A, R>(self: Effect.Effect<A, Failure, R>): Effect.Effect<A, CloudError, R> =>
    self.pipe(
      Effect.catchCause((cause) => Effect.fail(errorOf(role, url, cause))),
      Patience.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(new CloudError({ role, url, reason: "TimedOut" }))
      })
    )

const errorOf = (role: Role, url: string, cause: Cause.Cause<Failure>): CloudError => {
  const make = (reason: CloudError["reason"], detail?: { readonly status?: number; readonly cause?: unknown }) =>
    new CloudError({ role, url, reason, ...detail })
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (failure === undefined) {
    // What does not decode dies inside the RPC client with the schema's error; any other defect is the server's own.
    const defect = Result.getOrUndefined(Cause.findDefect(cause))
    return make(Schema.isSchemaError(defect) ? "Unintelligible" : "Unreachable", { cause: defect ?? cause })
  }
  if (failure instanceof ContentUnknown) return make("ContentUnknown")
  if (failure instanceof ContentHalted) return make("ContentHalted")
  if (failure instanceof RequestRefused) {
    return make(failure.reason === "Overloaded" ? "TimedOut" : "Refused", { cause: failure })
  }
  const { reason } = failure
  if (!(reason instanceof HttpClientError.HttpClientErrorSchema)) return make("Unintelligible", { cause: reason })
  if (reason.kind === "TransportError")
    return make(isUntrusted(reason.cause) ? "Untrusted" : "Unreachable", { cause: reason.cause })
  const response = reason.cause instanceof HttpClientError.StatusCodeError ? reason.cause.response : undefined
  if (response === undefined) return make("Unintelligible", { cause: reason.cause })
  const { headers, status } = response
  return make(challengeOf(status, headers["www-authenticate"]) ?? reasonOf(status), { status })
}

/** 511 is what a captive portal should answer with; a 404 is some other server. */
const reasonOf = (status: number): CloudError["reason"] => {
  if (refusals.has(status)) return "Refused"
  return status >= 500 && status !== 511 ? "Unreachable" : "Unintelligible"
}

const refusals = new Set([401, 403, 407, 413, 429])
