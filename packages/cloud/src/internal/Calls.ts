/** How one RPC of a role is called: over HTTP, or on handlers in the same process. Either ends in time, with a value or a `CloudError`. */
import { Cause, Duration, Effect, Option, Result, Schema, Scope, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { type Rpc, RpcClient, RpcClientError, type RpcGroup, RpcSerialization, RpcTest } from "effect/rpc"
import { ArrayRpcs } from "../ArrayRpcs.ts"
import { type CallerMiddleware, externalIpHeader } from "../Caller.ts"
import { CloudConfig } from "../CloudConfig.ts"
import { CloudError } from "../CloudError.ts"
import { ContentPolicyRpcs } from "../ContentPolicyRpcs.ts"
import { DiscoveryRpcs } from "../DiscoveryRpcs.ts"
import { GeoRpcs } from "../GeoRpcs.ts"
import { KeyValueRpcs } from "../KeyValueRpcs.ts"
import { text } from "../Fields.ts"
import { ReportRpcs } from "../ReportRpcs.ts"
import * as Kept from "./Kept.ts"
import type { Role } from "../Role.ts"
import { ContentUnknown, RequestRefused } from "../RoleError.ts"

const AllRpcs = GeoRpcs.merge(KeyValueRpcs, ContentPolicyRpcs, DiscoveryRpcs, ArrayRpcs, ReportRpcs)
type Rpcs = RpcGroup.Rpcs<typeof AllRpcs>
type Client = RpcClient.RpcClient<Rpcs, RpcClientError.RpcClientError>
type Failure = RpcClientError.RpcClientError | ContentUnknown | RequestRefused

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
            HttpClient.mapRequest(HttpClientRequest.prependUrl(url)),
            HttpClient.transform((effect, request) => Effect.flatMap(effect, readReply(request, config.maxReplyBytes)))
          )
          const protocol = yield* RpcClient.makeProtocolHttp(bounded)
          return yield* Effect.provideService(RpcClient.make(AllRpcs), RpcClient.Protocol, protocol)
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
      Effect.timeoutOrElse({
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
  if (failure instanceof RequestRefused) {
    return make(failure.reason === "Overloaded" ? "TimedOut" : "Refused", { cause: failure })
  }
  const { reason } = failure
  if (!(reason instanceof HttpClientError.HttpClientErrorSchema)) return make("Unintelligible", { cause: reason })
  if (reason.kind === "TransportError") return make("Unreachable", { cause: reason.cause })
  const status = statusOf(reason.cause)
  return status === undefined ? make("Unintelligible", { cause: reason.cause }) : make(reasonOf(status), { status })
}

const statusOf = (cause: unknown): number | undefined =>
  cause instanceof HttpClientError.StatusCodeError ? cause.response.status : undefined

/** 511 is what a captive portal should answer with; a 404 is some other server. */
const reasonOf = (status: number): CloudError["reason"] => {
  if (refusals.has(status)) return "Refused"
  return status >= 500 && status !== 511 ? "Unreachable" : "Unintelligible"
}

const refusals = new Set([401, 403, 407, 413, 429])

/** One exit or one defect is all that a call may be answered with. */
const Envelope = Schema.fromJsonString(
  Schema.Tuple([
    Schema.Union([
      Schema.Struct({
        _tag: Schema.Literal("Exit"),
        requestId: Schema.Union([text(64), Schema.Int]),
        exit: Schema.Union([
          Schema.Struct({ _tag: Schema.Literal("Success"), value: Schema.optionalKey(Schema.Unknown) }),
          Schema.Struct({ _tag: Schema.Literal("Failure"), cause: Schema.Array(Schema.Unknown) })
        ])
      }),
      Schema.Struct({ _tag: Schema.Literal("Defect"), defect: Schema.Unknown })
    ])
  ])
)

/** The reply read whole, once its status, type, length and envelope are what they must be. */
const readReply =
  (request: HttpClientRequest.HttpClientRequest, maxBytes: number) =>
  (
    response: HttpClientResponse.HttpClientResponse
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> =>
    Effect.gen(function* () {
      const nonsense = (description: string) =>
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.DecodeError({ request, response, description })
        })
      if (response.status !== 200) {
        return yield* new HttpClientError.HttpClientError({
          reason: new HttpClientError.StatusCodeError({ request, response })
        })
      }
      const type = response.headers["content-type"] ?? ""
      if (!/^application\/json\b/i.test(type)) return yield* nonsense(`content-type ${type.slice(0, 100)}`)
      if (Number(response.headers["content-length"] ?? 0) > maxBytes) return yield* nonsense("too long")
      const parts: Array<Uint8Array> = []
      let length = 0
      yield* response.stream.pipe(
        Stream.takeWhile(() => length <= maxBytes),
        Stream.runForEach((part) =>
          Effect.sync(() => {
            length += part.length
            parts.push(part)
          })
        ),
        Effect.mapError(
          (cause) =>
            new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
        )
      )
      if (length > maxBytes) return yield* nonsense("too long")
      const body = Buffer.concat(parts).toString()
      yield* Schema.decodeEffect(Envelope)(body).pipe(Effect.mapError(() => nonsense("not an answer of this contract")))
      // A response of the web's would load all of fetch, which nothing else here needs.
      const read: HttpClientResponse.HttpClientResponse = Object.create(response, {
        text: { value: Effect.succeed(body) }
      })
      return read
    })
