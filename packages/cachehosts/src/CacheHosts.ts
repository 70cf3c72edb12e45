/** The cache servers of the place that this device is in, and which of them is to be asked now. Source: spec.md §7.2, §7.3. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Host } from "@piecework/host/Host"
import { Context, Effect, Layer, type Scope } from "effect"
import type { CacheHost } from "./CacheHost.ts"
import * as Hosts from "./Hosts.ts"
import { makeAsking } from "./internal/makeAsking.ts"
import { type LiveOptions, makeFinding } from "./internal/makeFinding.ts"

/** Why none is asked. */
export type Without =
  /** Nobody named one. */
  | "NoneKnown"
  /** A setting says that there is none. */
  | "SwitchedOff"
  /** The device is on a VPN, and may not use them there. */
  | "OnVpn"
  /** The settings allow only listed hosts, or only TLS, and none of the others is asked. */
  | "NotAllowed"
  /** All that are known are banned, or banned for this origin. */
  | "Banned"

export type Choice =
  | { readonly _tag: "Use"; readonly cache: CacheHost }
  | {
      readonly _tag: "Without"
      readonly why: Without
      /** When that may change, epoch milliseconds. */ readonly until: number | undefined
    }

/** What went wrong with one. */
export type Failure =
  /** The whole host is banned: no connection in time, no such name, nobody there. */
  | { readonly _tag: "Unreachable"; readonly detail: string }
  /** Banned for this content's origin alone: a 4xx. */
  | { readonly _tag: "Status"; readonly status: number }
  /** Not banned: a 5xx, a broken connection, bytes that do not verify. The next in the list has its turn. */
  | { readonly _tag: "Broken"; readonly detail: string }

/** A known cache server as a person is told of it. */
export interface KnownHost {
  readonly cache: CacheHost
  /** Epoch milliseconds; `undefined` while it is not banned. */
  readonly bannedUntil: number | undefined
  /** Origins (scheme, host, port) that it refused, and until when. */
  readonly refusedOrigins: ReadonlyMap<string, number>
  /** Why it is not asked, whatever is downloaded; `undefined` for one that is. */
  readonly without: Hosts.NotAsked | "OnVpn" | undefined
}

export class CacheHosts extends Context.Service<
  CacheHosts,
  {
    /**
     * The one to ask for this content now. Must not wait for the network: what is not known yet is not there yet. `isOut`: those that
     * the caller does not ask anyway; where only these are left, the answer is "Banned" without an end.
     */
    readonly choose: (url: ContentUrl, isOut?: (cache: CacheHost) => boolean) => Effect.Effect<Choice>
    /**
     * Waits until one is known that may be asked, or until everybody whose word counts has been heard: for whoever is not to go
     * elsewhere before. Asks the service for its word, where there is one, unless `asksService` is false. As long as these take, and no
     * longer than a moment for the local network; it never fails.
     */
    readonly settled: (options: { readonly asksService: boolean }) => Effect.Effect<void>
    /** Tells what came of asking it. */
    readonly failed: (cache: CacheHost, url: ContentUrl, failure: Failure) => Effect.Effect<void>
    readonly known: Effect.Effect<ReadonlyArray<KnownHost>>
    /** Called when `choose` may answer otherwise than before, until the scope closes. */
    readonly onChange: (look: () => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("@piecework/cachehosts/CacheHosts") {
  /**
   * By the settings (`LivePolicy`), DHCP, the service where there is one (`Cloud`), and the local network where it is given a way to
   * that. Nobody is asked anything that the settings and stronger providers leave no use for.
   */
  static readonly layer = (options?: LiveOptions): Layer.Layer<CacheHosts, never, Host> =>
    Layer.effect(CacheHosts, Effect.flatMap(makeFinding(options ?? {}), makeAsking))

  /**
   * By the settings (`LivePolicy`) and what it is given, each time anew where that is a function; all rules are the real ones. By
   * default nobody says anything, so that DOCacheHost alone names hosts.
   */
  static readonly layerMemory = (options?: {
    readonly said?: Partial<Hosts.Said> | (() => Partial<Hosts.Said>)
    readonly vpn?: string | false | (() => string | false)
  }): Layer.Layer<CacheHosts> => {
    const { said = {}, vpn = false } = options ?? {}
    return Layer.effect(
      CacheHosts,
      makeAsking({
        said: () => ({ ...Hosts.silent, ...(typeof said === "function" ? said() : said) }),
        onSaid: () => Effect.void,
        vpn: Effect.sync(() => (typeof vpn === "function" ? vpn() : vpn)),
        asked: Effect.void,
        settled: () => Effect.void,
        uses: () => Effect.void
      })
    )
  }
}
