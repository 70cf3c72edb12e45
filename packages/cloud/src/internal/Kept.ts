/**
 * What is dear to make and was made for a URL, kept for the next call to it. One call at a time has it, so nothing that a server
 * says about one call can touch another, and after a call that did not end well it is thrown away.
 */
import { Effect, Exit, Scope } from "effect"

export interface Kept<A> {
  /** Gives `use` what was kept for the URL, or makes it. */
  readonly with: <B, E, R>(url: string, use: (one: A) => Effect.Effect<B, E, R>) => Effect.Effect<B, E, R>
}

interface One<A> {
  readonly value: A
  readonly scope: Scope.Closeable
}

/** URLs come from replies, so only so many are remembered, and so many each. */
const mostUrls = 16
const mostIdle = 2

/** Everything that was made ends with the scope. */
export const make = Effect.fnUntraced(function* <A>(
  open: (url: string) => Effect.Effect<A, never, Scope.Scope>
): Effect.fn.Return<Kept<A>, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const idle = new Map<string, Array<One<A>>>()

  const take = Effect.fnUntraced(function* (url: string): Effect.fn.Return<One<A>> {
    const one = idle.get(url)?.pop()
    if (one !== undefined) return one
    const own = yield* Scope.fork(scope)
    return { value: yield* Effect.provideService(open(url), Scope.Scope, own), scope: own }
  })

  const close = (one: One<A>) => Scope.close(one.scope, Exit.void)

  const giveBack = Effect.fnUntraced(function* (url: string, one: One<A>) {
    const others = idle.get(url) ?? []
    if (others.length >= mostIdle) return yield* close(one)
    others.push(one)
    // The URL used last is forgotten last.
    idle.delete(url)
    idle.set(url, others)
    for (const [oldest, ones] of idle) {
      if (idle.size <= mostUrls) break
      idle.delete(oldest)
      for (const old of ones) yield* close(old)
    }
  })

  return {
    with: (url, use) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(take(url), (one) =>
          Effect.onExit(restore(Effect.suspend(() => use(one.value))), (exit) =>
            Exit.isSuccess(exit) ? giveBack(url, one) : close(one)
          )
        )
      )
  }
})
