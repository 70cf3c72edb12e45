/** The calls for plain code as effects. */
import { Effect } from "effect"
import { type ByteStream, type Later, type PlainStream, TransportError } from "../ByteStream.ts"

/** `breakOff` is called when a write is interrupted, of which the other side may have seen a half. */
export const asEffects = (plain: PlainStream, breakOff: () => void): Pick<ByteStream, "fill" | "write"> => ({
  fill: (target, atLeast = target.length) =>
    called(
      (later) => plain.fill(target, atLeast, later),
      (later) => plain.forget(later)
    ),
  write: (parts) =>
    Effect.asVoid(
      called<true>(
        (later) => plain.write(parts, later),
        () => breakOff()
      )
    )
})

const called = <A>(
  call: (later: Later<A>) => A | TransportError | undefined,
  takeBack: (later: Later<A>) => void
): Effect.Effect<A, TransportError> =>
  Effect.callback((resume) => {
    let isTold = false
    const later: Later<A> = (result) => {
      isTold = true
      resume(result instanceof TransportError ? Effect.fail(result) : Effect.succeed(result))
    }
    const now = call(later)
    if (now !== undefined) return later(now)
    return Effect.sync(() => {
      if (!isTold) takeBack(later)
    })
  })
