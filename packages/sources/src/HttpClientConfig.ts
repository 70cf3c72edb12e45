/** Limits of the HTTP client. */
import { Config, Context, Duration, Effect, Layer, Schema } from "effect"
import * as Proxies from "./Proxies.ts"

export class HttpClientConfig extends Context.Service<
  HttpClientConfig,
  {
    /** Longest time to connect, TLS included. `HTTP_CONNECT_TIMEOUT`, default 15 s. Source: spec.md §3.4. */
    readonly connectTimeout: Duration.Duration
    /** Longest time from the request to the end of the answer's head. `HTTP_HEAD_TIMEOUT`, default 30 s. */
    readonly headTimeout: Duration.Duration
    /**
     * Longest time without a byte while a body is waited for; seen at most a quarter of it late.
     * `HTTP_STALL_TIMEOUT`, default 30 s.
     */
    readonly stallTimeout: Duration.Duration
    /** How long an idle connection is kept. `HTTP_IDLE_TIMEOUT`, default 15 s. */
    readonly idleTimeout: Duration.Duration
    /** Most idle connections kept for one server. `HTTP_MAX_IDLE`, default 8. */
    readonly maxIdle: number
    /** Redirects followed for one request. `HTTP_MAX_REDIRECTS`, default 10. */
    readonly maxRedirects: number
    /**
     * Whether a redirect may lead from https to http. `HTTP_ALLOW_INSECURE_REDIRECT`, default no.
     * Source: spec.md §3.3, property 24.
     */
    readonly allowInsecureRedirect: boolean
    readonly userAgent: string
    /** Which proxy stands before which server. Default: none; programs read their environment. */
    readonly proxies: Proxies.Proxies
    /** Certificates in PEM that are trusted in place of the usual authorities. Default: none, so the usual ones. */
    readonly certificates?: ReadonlyArray<string> | undefined
    /** The same for single servers, by origin ("https://service:7670"). Default: none. */
    readonly certificatesOf?: ReadonlyMap<string, ReadonlyArray<string>> | undefined
  }
>()("@piecework/sources/HttpClientConfig") {}

export const defaults: HttpClientConfig["Service"] = {
  connectTimeout: Duration.seconds(15),
  headTimeout: Duration.seconds(30),
  stallTimeout: Duration.seconds(30),
  idleTimeout: Duration.seconds(15),
  maxIdle: 8,
  maxRedirects: 10,
  allowInsecureRedirect: false,
  userAgent: "piecework/0.1.0",
  proxies: Proxies.none
}

export const layer = (options?: Partial<HttpClientConfig["Service"]>): Layer.Layer<HttpClientConfig> =>
  Layer.succeed(HttpClientConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<HttpClientConfig, Config.ConfigError> = Layer.effect(
  HttpClientConfig,
  Effect.gen(function* () {
    return {
      ...defaults,
      connectTimeout: yield* span("HTTP_CONNECT_TIMEOUT", defaults.connectTimeout),
      headTimeout: yield* span("HTTP_HEAD_TIMEOUT", defaults.headTimeout),
      stallTimeout: yield* span("HTTP_STALL_TIMEOUT", defaults.stallTimeout),
      idleTimeout: yield* span("HTTP_IDLE_TIMEOUT", defaults.idleTimeout),
      maxIdle: yield* number("HTTP_MAX_IDLE", defaults.maxIdle),
      maxRedirects: yield* number("HTTP_MAX_REDIRECTS", defaults.maxRedirects),
      allowInsecureRedirect: yield* Config.Boolean("HTTP_ALLOW_INSECURE_REDIRECT").pipe(
        Config.withDefault(defaults.allowInsecureRedirect)
      )
    }
  })
)

const span = (name: string, fallback: Duration.Duration) => Config.Duration(name).pipe(Config.withDefault(fallback))
const number = (name: string, fallback: number) =>
  Config.schema(Schema.Natural, name).pipe(Config.withDefault(fallback))
