/** Whether names resolve, as the system resolves them. The system's look-ups take threads of a small pool, so they are few at a time. */
import { lookup } from "node:dns/promises"
import { isIP } from "node:net"
import type * as Findings from "@piecework/doctor/Findings"
import { Cache, Duration, Effect, Result, Semaphore } from "effect"

/** An address, or why there is none. */
export type Resolved = Result.Result<string, string>

export interface Names {
  /** Addresses are their own answer. The same name is looked up once. */
  readonly resolve: (host: string) => Effect.Effect<Resolved>
}

/** A name server that is well answers in some milliseconds; the system asks another one after 5 s. */
const patience = "4 seconds"
/** Look-ups at a time: the pool has four threads, and files are read by the same. */
const atOnce = 2

export const make: Effect.Effect<Names> = Effect.gen(function* () {
  const slots = yield* Semaphore.make(atOnce)
  const known = yield* Cache.make({ capacity: 64, timeToLive: Duration.infinity, lookup: look })
  return { resolve: (host) => slots.withPermit(Cache.get(known, plain(host))) }
})

/** As URLs write an address of IPv6, in brackets. */
const plain = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

const look = (host: string): Effect.Effect<Resolved> =>
  isIP(host) !== 0
    ? Effect.succeed(Result.succeed(host))
    : Effect.tryPromise({
        try: () => lookup(host),
        catch: (cause) => (cause as NodeJS.ErrnoException).code ?? "EAI_FAIL"
      }).pipe(
        Effect.map(({ address }): Resolved => Result.succeed(address)),
        Effect.catch((code) => Effect.succeed<Resolved>(Result.fail(words[code] ?? code))),
        Effect.timeoutOrElse({
          duration: patience,
          orElse: () => Effect.succeed<Resolved>(Result.fail("the name server did not answer in time"))
        })
      )

/** Source: getaddrinfo(3). */
const words: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no such name",
  EAI_AGAIN: "the name server did not answer",
  EAI_FAIL: "the name server failed",
  EAI_NODATA: "the name has no address"
}

export interface Host {
  readonly host: string
  readonly isFor: string
}

export const all = (names: Names, hosts: ReadonlyArray<Host>): Effect.Effect<Findings.Names> =>
  Effect.map(
    Effect.forEach(
      hosts.filter(({ host }) => isIP(plain(host)) === 0),
      ({ host, isFor }) =>
        Effect.map(names.resolve(host), (found) => ({
          host,
          isFor,
          why: Result.isFailure(found) ? found.failure : undefined
        })),
      { concurrency: "unbounded" }
    ),
    (found): Findings.Names => ({ hosts: found })
  )
