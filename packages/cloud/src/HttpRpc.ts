/**
 * One call to a service over HTTP, of any group of RPCs: what commands need. Whatever comes back, or does not, it ends within its
 * time, with the call's own answer or a `ServiceError`.
 */
import { Cause, Duration, Effect, Option, Redacted, Schema, type Scope } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, HttpClientRequest } from "effect/http"
import { type Rpc, RpcClient, RpcClientError, type RpcGroup, RpcSerialization } from "effect/rpc"
import { challengeOf, isUntrusted } from "./internal/Challenge.ts"
import { readReply } from "./internal/Reply.ts"

/** No answer of the call's own. */
export class ServiceError extends Schema.TaggedError<ServiceError>()("ServiceError", {
  url: Schema.String,
  reason: Schema.Literals([
    "Unreachable",
    /** What answers has no certificate that is trusted here. */
    "Untrusted",
    "TimedOut",
    "Unintelligible",
    /** The call needs a token, and none was shown. */
    "TokenWanted",
    "TokenRefused",
    /** The token is good, but not for this; or not over plain HTTP. */
    "NotAllowed",
    "TooMany"
  ]),
  status: Schema.optionalKey(Schema.Int),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const status = this.status === undefined ? "" : ` (HTTP ${this.status})`
    switch (this.reason) {
      case "Unreachable":
        return `The service at ${this.url} cannot be reached${status}.`
      case "Untrusted":
        return `What answers at ${this.url} cannot prove that it is the service; give its authority with --service-ca.`
      case "TimedOut":
        return `The service at ${this.url} did not answer in time.`
      case "Unintelligible":
        return `What answers at ${this.url} is no Piecework service, or another version of one${status}.`
      case "TokenWanted":
        return `The service at ${this.url} wants a token.`
      case "TokenRefused":
        return `The service at ${this.url} does not accept this token.`
      case "NotAllowed":
        return `The service at ${this.url} does not allow this with this token, or not over plain HTTP.`
      case "TooMany":
        return `The service at ${this.url} has had too many requests from here; try again later.`
    }
  }
}

export interface Options {
  /** Where the group of RPCs is. */
  readonly url: string
  readonly token?: Redacted.Redacted<string> | undefined
  /** Default 10 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** Default 4 MiB. */
  readonly maxReplyBytes?: number | undefined
}

/** Makes a client of the group for one call, or for a few. */
export const call =
  <Rpcs extends Rpc.Any>(group: RpcGroup.RpcGroup<Rpcs>, options: Options) =>
  <A, E, R>(
    use: (client: RpcClient.RpcClient<Rpcs, RpcClientError.RpcClientError>) => Effect.Effect<A, E, R>
  ): Effect.Effect<
    A,
    Exclude<E, RpcClientError.RpcClientError> | ServiceError,
    Exclude<R, Scope.Scope> | HttpClient.HttpClient | Rpc.MiddlewareClient<Rpcs>
  > =>
    Effect.gen(function* () {
      const http = yield* HttpClient.HttpClient
      const bounded = http.pipe(
        HttpClient.mapRequest(HttpClientRequest.setUrl(options.url)),
        HttpClient.mapRequest((request) =>
          options.token === undefined ? request : HttpClientRequest.bearerToken(request, Redacted.value(options.token))
        ),
        HttpClient.transform((effect, request) =>
          Effect.flatMap(effect, readReply(request, options.maxReplyBytes ?? mostBytes))
        )
      )
      const protocol = yield* RpcClient.makeProtocolHttp(bounded).pipe(
        Effect.provideService(RpcSerialization.RpcSerialization, RpcSerialization.json)
      )
      const client = yield* RpcClient.make(group).pipe(Effect.provideService(RpcClient.Protocol, protocol))
      return yield* use(client)
    }).pipe(
      Effect.scoped,
      // A redirect is an answer, and never the contract's; following it would show the token to somebody else.
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
      Effect.catchCause((cause) => Effect.fail(errorOf<E>(options.url, cause))),
      Effect.timeoutOrElse({
        duration: options.timeout ?? "10 seconds",
        orElse: () => Effect.fail(new ServiceError({ url: options.url, reason: "TimedOut" }))
      })
    )

const mostBytes = 4 * 1_048_576

const errorOf = <E>(
  url: string,
  cause: Cause.Cause<unknown>
): Exclude<E, RpcClientError.RpcClientError> | ServiceError => {
  const make = (reason: ServiceError["reason"], detail?: { readonly status?: number; readonly cause?: unknown }) =>
    new ServiceError({ url, reason, ...detail })
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (failure === undefined) return make("Unintelligible", { cause: Cause.squash(cause) })
  if (!(failure instanceof RpcClientError.RpcClientError)) return failure as Exclude<E, RpcClientError.RpcClientError>
  const { reason } = failure
  if (!(reason instanceof HttpClientError.HttpClientErrorSchema)) return make("Unintelligible", { cause: reason })
  if (reason.kind === "TransportError")
    return make(isUntrusted(reason.cause) ? "Untrusted" : "Unreachable", { cause: reason.cause })
  const response = reason.cause instanceof HttpClientError.StatusCodeError ? reason.cause.response : undefined
  if (response === undefined) return make("Unintelligible", { cause: reason.cause })
  const { headers, status } = response
  switch (challengeOf(status, headers["www-authenticate"])) {
    case "NotEnrolled":
      return make("TokenWanted")
    case "CredentialRefused":
      return make("TokenRefused")
    default:
      if (status === 403) return make("NotAllowed")
      if (status === 429) return make("TooMany")
      return make(status >= 500 && status !== 511 ? "Unreachable" : "Unintelligible", { status })
  }
}
