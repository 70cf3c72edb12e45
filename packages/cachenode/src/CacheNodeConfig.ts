/** Limits and names of a cache server's front. All but the sizes and times are looked at anew with each request. */
import { Context, type Duration, Layer } from "effect"
import type { AllowList } from "./AllowList.ts"

export class CacheNodeConfig extends Context.Service<
  CacheNodeConfig,
  {
    /** Origins that are answered for. Default none. */
    readonly allow: AllowList
    /** Why nobody gets files at present, as a sentence. Default `undefined`: everybody does. */
    readonly closed: string | undefined
    /** `X-CCC` of every answer, by which clients see that a cache server made it: an opaque word. Default "piecework". */
    readonly ccc: string
    /** `X-CID` of every answer: the cache's number. Default "100". */
    readonly cid: string
    /** Most that all clients together are sent, in bytes a second. Default `undefined`: as much as they take. */
    readonly maxOut: number | undefined
    /** Names that are the cache server's own, in small letters, beside the addresses that it is asked at. */
    readonly ownNames: ReadonlyArray<string>
    /** By which it knows its own requests when they come back, in Via. Must be one word. Default: made anew for each start. */
    readonly pseudonym: string | undefined
    /** Files smaller than this are not asked about, in bytes. Default 10 MB, as of downloads. */
    readonly minContentSize: number
    /** How long it is remembered that the service knows a URL. Default 30 s. */
    readonly knownFor: Duration.Input
    /** … that it does not, or that it could not be asked. Default 10 s. */
    readonly unknownFor: Duration.Input
    /** How long a known content stays open once nobody reads it. Default 30 s. */
    readonly openFor: Duration.Input
    /** Most connections of clients; more are closed at once. Default 4096. */
    readonly maxConnections: number
    /** Most bytes of answers in memory that clients have not taken yet, 16 KiB for each connection included. Default 192 MiB. */
    readonly maxBuffered: number
    /** How long a client may take for the head of its request, in milliseconds. Default 15 s. */
    readonly headMillis: number
    /** How long a connection may be idle between requests, in milliseconds. Default 60 s. */
    readonly keepMillis: number
    /** How long a client may take nothing of its answer, in milliseconds. Default 5 min. */
    readonly idleMillis: number
  }
>()("@piecework/cachenode/CacheNodeConfig") {}

export const defaults: CacheNodeConfig["Service"] = {
  allow: [],
  closed: undefined,
  maxOut: undefined,
  ccc: "piecework",
  cid: "100",
  ownNames: [],
  pseudonym: undefined,
  minContentSize: 10_000_000,
  knownFor: "30 seconds",
  unknownFor: "10 seconds",
  openFor: "30 seconds",
  maxConnections: 4096,
  maxBuffered: 201_326_592,
  headMillis: 15_000,
  keepMillis: 60_000,
  idleMillis: 300_000
}

export const layer = (options?: Partial<CacheNodeConfig["Service"]>): Layer.Layer<CacheNodeConfig> =>
  Layer.succeed(CacheNodeConfig, { ...defaults, ...options })
