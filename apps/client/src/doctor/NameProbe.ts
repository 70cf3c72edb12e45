/**
 * Whether names resolve, as the system resolves them. A look-up of the system cannot be taken back: it would keep one of the few threads
 * that files are read by, and the process from its end. So each is a process of its own, which can be ended.
 */
import { execFile } from "node:child_process"
import { isIP } from "node:net"
import type * as Findings from "@piecework/doctor/Findings"
import { Cache, Duration, Effect, Result } from "effect"

/** An address, or why there is none. */
export type Resolved = Result.Result<string, string>

export interface Names {
  /** Addresses are their own answer. The same name is looked up once. */
  readonly resolve: (host: string) => Effect.Effect<Resolved>
}

/** Milliseconds. A name server that is well answers in some of them; the system asks another one after 5 s. */
const patience = 4000
/** Characters of an answer. */
const mostOutput = 1024

export const make: Effect.Effect<Names> = Effect.map(
  Cache.make({ capacity: 64, timeToLive: Duration.infinity, lookup: look }),
  (known) => ({ resolve: (host) => Cache.get(known, plain(host)) })
)

/** As URLs write an address of IPv6, in brackets. */
const plain = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

/** Prints the address, or the code of the error. The name is no part of the program's text. */
const program =
  'require("node:dns").lookup(process.argv[1], (error, address) => console.log(error ? error.code : address))'

function look(host: string): Effect.Effect<Resolved> {
  if (isIP(host) !== 0) return Effect.succeed(Result.succeed(host))
  return Effect.callback<Resolved>((resume) => {
    const { NODE_OPTIONS: _, ...env } = process.env
    const options = { env, timeout: patience, killSignal: "SIGKILL", maxBuffer: mostOutput } as const
    const child = execFile(process.execPath, ["-e", program, "--", host], options, (error, stdout) => {
      const said = stdout.trim()
      if (isIP(said) !== 0) return resume(Effect.succeed(Result.succeed(said)))
      const why = error?.killed === true ? "the name server did not answer in time" : (words[said] ?? "it is no name")
      resume(Effect.succeed(Result.fail(why)))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })
}

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
