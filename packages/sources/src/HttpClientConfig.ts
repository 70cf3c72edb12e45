/** Limits of the HTTP client. */
import { Context, Duration, Layer } from "effect"

export class HttpClientConfig extends Context.Service<
  HttpClientConfig,
  {
    /** Longest time to connect, TLS included. Default 15 s. Source: spec.md §3.4. */
    readonly connectTimeout: Duration.Duration
    /** Longest time from the request to the end of the answer's head. Default 30 s. */
    readonly headTimeout: Duration.Duration
    /** Longest time without a byte while a body is waited for. Default 30 s. */
    readonly stallTimeout: Duration.Duration
    /** How long an idle connection is kept. Default 15 s. */
    readonly idleTimeout: Duration.Duration
    /** Most idle connections kept for one origin. Default 8. */
    readonly maxIdle: number
    /** Redirects followed for one request. Default 10. */
    readonly maxRedirects: number
    /** Whether a redirect may lead from https to http. Default no. Source: spec.md §3.3, property 24. */
    readonly allowInsecureRedirect: boolean
    readonly userAgent: string
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
  userAgent: "piecework/0.1.0"
}

export const layer = (options?: Partial<HttpClientConfig["Service"]>): Layer.Layer<HttpClientConfig> =>
  Layer.succeed(HttpClientConfig, { ...defaults, ...options })
