/** Whether an origin, and the proxy before it, sends parts of a file: one byte is asked for. Cache servers are asked likewise. */
import * as CacheHost from "@piecework/cachehosts/CacheHost"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import type * as Findings from "@piecework/doctor/Findings"
import { CacheServer, CacheUrl, HttpClient, HttpClientConfig, type HttpError, Proxies } from "@piecework/sources"
import { Transport } from "@piecework/transport"
import { Duration, Effect, Layer, Option, Result } from "effect"
import type * as CacheHostsNote from "../CacheHostsNote.ts"
import { proxyFor } from "./ServiceProbe.ts"

/** Requests by the proxies of the environment, that wait no longer than a person would. */
export const client = (environment: NodeJS.ProcessEnv) =>
  HttpClient.HttpClient.layer.pipe(
    Layer.provide([
      HttpClientConfig.layer({
        connectTimeout: Duration.seconds(3),
        headTimeout: Duration.seconds(3),
        proxies: Proxies.fromEnvironment(environment)
      }),
      Transport.Transport.layer
    ])
  )

/** The first byte, and whether it comes alone. */
const firstByte = { start: 0, end: 0 } as const

const ask = (
  url: ContentUrl.ContentUrl,
  way: HttpClient.Way
): Effect.Effect<Findings.RangeAnswer, never, HttpClient.HttpClient> =>
  Effect.scoped(
    HttpClient.HttpClient.use((http) => http.get({ url, range: firstByte, way })).pipe(
      Effect.match({
        onFailure: (error): Findings.RangeAnswer => ({ _tag: "Failed", why: words[error.reason] }),
        onSuccess: ({ contentRange, headers, status }): Findings.RangeAnswer => {
          if (status === 206 && contentRange?.start === 0 && contentRange.end === 0) return { _tag: "Part" }
          if (status === 200 || status === 206) {
            return { _tag: /^text\/html/i.test(headers.get("content-type") ?? "") ? "Page" : "Whole" }
          }
          return { _tag: "Status", status }
        }
      })
    )
  )

const words: { readonly [R in HttpError.HttpError["reason"]]: string } = {
  Unreachable: "no connection",
  TlsFailed: "its certificate is not trusted",
  TimedOut: "no answer in time",
  Stalled: "it stopped sending",
  Closed: "the connection broke",
  Truncated: "the answer broke off",
  BadResponse: "the answer is not valid HTTP",
  Encoded: "the answer is encoded",
  InsecureRedirect: "it redirects to an address without encryption",
  TooManyRedirects: "it redirects again and again",
  BadRedirect: "it redirects to nowhere",
  ForbiddenRedirect: "it redirects to an address of this device or link",
  ProxyLogin: "the proxy wants a login",
  ProxyFailed: "the proxy is of no use",
  BadRequest: "the request cannot be sent"
}

/** Without a query, which may be secret. */
const shown = (url: string): string => {
  const { host, pathname, protocol } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

export const ranges = Effect.fn("OriginProbe.ranges")(function* (
  url: ContentUrl.ContentUrl | undefined,
  environment: NodeJS.ProcessEnv
): Effect.fn.Return<Findings.Ranges, never, HttpClient.HttpClient> {
  if (url === undefined) return { url: undefined, proxy: undefined, answer: undefined, direct: undefined }
  const proxy = proxyFor(url, environment)
  const answer = yield* ask(url, {})
  const direct = proxy === undefined || answer._tag === "Part" ? undefined : yield* ask(url, { isDirect: true })
  return { url: shown(url), proxy, answer, direct }
})

/** By which clients find out whether a cache server answers. Source: spec.md §7.1. */
const healthFile = "http://au.download.windowsupdate.com/mscomtest/wuidt.gif"

/** Most cache servers that are asked. */
const mostHosts = 8

const byWords: { readonly [P in CacheHost.Provider]: string } = {
  Policy: "the settings",
  Dhcp: "DHCP",
  Service: "the service",
  DnsSd: "the local network"
}

const unusedWords: { readonly [W in NonNullable<CacheHostsNote.Known["without"]>]: string } = {
  SwitchedOff: "cache servers are switched off",
  NotAllowed: "the settings do not allow it",
  Outranked: "a stronger provider names others",
  OnVpn: "the device is on a VPN"
}

/** Cache servers are asked for their health, and for the first byte of the file. */
export const caches = (
  known: ReadonlyArray<CacheHostsNote.Known>,
  url: ContentUrl.ContentUrl | undefined
): Effect.Effect<ReadonlyArray<Findings.CacheHost>, never, HttpClient.HttpClient> =>
  Effect.forEach(
    known.slice(0, mostHosts),
    Effect.fnUntraced(function* ({ bannedUntil, name, provider, without }) {
      const place = CacheHost.parse(name)
      const asked = (file: string) =>
        place === undefined
          ? undefined
          : Option.getOrUndefined(
              Result.getSuccess(Result.flatMap(ContentUrl.parse(file), (parsed) => CacheUrl.of(place, parsed)))
            )
      const answerTo = (file: string | undefined) => {
        const at = without !== undefined || file === undefined ? undefined : asked(file)
        return at === undefined ? Effect.succeed(undefined) : ask(at, CacheServer.way)
      }
      const [health, origin] = yield* Effect.all([answerTo(healthFile), answerTo(url)], { concurrency: 2 })
      const found: Findings.CacheHost = {
        name,
        by: byWords[provider],
        isListed: provider === "Policy" || provider === "Service",
        unused: without === undefined ? undefined : unusedWords[without],
        bannedUntil,
        health: healthOf(health),
        origin: origin === undefined ? undefined : statusOf(origin)
      }
      return found
    }),
    { concurrency: "unbounded" }
  )

const healthOf = (answer: Findings.RangeAnswer | undefined): Findings.CacheHost["health"] => {
  if (answer?._tag === "Status") return answer
  return answer?._tag === "Failed" ? answer : { _tag: "Answers" }
}

const statusOf = (answer: Findings.RangeAnswer): number | undefined => {
  if (answer._tag === "Status") return answer.status
  return answer._tag === "Failed" ? undefined : 200
}
