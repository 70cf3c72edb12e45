/** The same for programs that do not use Effect: promises, async iterables and `AbortSignal`. Errors are those of `AgentError`. */
import { Cause, Effect, Exit, Scope, Stream } from "effect"
import type * as Agent from "./Agent.ts"
import * as Download from "./Download.ts"
import type { Range } from "./JobOptions.ts"
import * as Open from "./Open.ts"
import type { Outcome } from "./Transfer.ts"

interface Abortable {
  /** Aborts the job; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Fetches the file and answers where its bytes came from. */
export const download = (
  url: string | URL,
  { signal, ...options }: Download.DownloadOptions & Abortable = {}
): Promise<Outcome> => run(Download.download(url, options), signal)

/** A content that is open; all of it can be read as an async iterable. */
export interface OpenContent
  extends
    AsyncIterable<Uint8Array>,
    AsyncDisposable,
    Pick<Agent.OpenContent, "size" | "contentId" | "facts" | "transfer"> {
  readonly read: (range?: Range) => AsyncIterable<Uint8Array>
  /** What was fetched stays in the agent's cache. */
  readonly close: () => Promise<void>
}

/** Answers as soon as size and kind are known. To be closed, or used with `await using`. */
export const open = async (
  url: string | URL,
  { signal, ...options }: Open.OpenOptions & Abortable = {}
): Promise<OpenContent> => {
  const scope = Effect.runSync(Scope.make())
  const close = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void))
  try {
    const content = await run(Scope.provide(Open.open(url, options), scope), signal)
    if (signal !== undefined) {
      signal.throwIfAborted()
      const aborted = () => void close()
      signal.addEventListener("abort", aborted, { once: true })
      // A signal may be one for many contents, and is not to keep those that are closed.
      Effect.runSync(
        Scope.addFinalizer(
          scope,
          Effect.sync(() => signal.removeEventListener("abort", aborted))
        )
      )
    }
    const read = (range?: Range): AsyncIterable<Uint8Array> => Stream.toAsyncIterable(content.read(range))
    return {
      size: content.size,
      contentId: content.contentId,
      facts: content.facts,
      transfer: content.transfer,
      read,
      close,
      [Symbol.asyncIterator]: () => read()[Symbol.asyncIterator](),
      [Symbol.asyncDispose]: close
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The bytes alone, of a part or of all of it; who stops iterating closes it. */
export const read = (
  url: string | URL,
  options: Open.OpenOptions & { readonly range?: Range | undefined } = {}
): AsyncIterable<Uint8Array> => Stream.toAsyncIterable(Open.read(url, options))

const run = async <A, E>(effect: Effect.Effect<A, E>, signal: AbortSignal | undefined): Promise<A> => {
  const exit = await Effect.runPromiseExit(effect, signal === undefined ? {} : { signal })
  if (Exit.isSuccess(exit)) return exit.value
  throw signal?.aborted === true && Cause.hasInterruptsOnly(exit.cause) ? signal.reason : Cause.squash(exit.cause)
}
