/** Calls to the system as effects that are never interrupted half way: what was called has ended when the effect has. */
import type { ContentId } from "@piecework/domain/Content"
import { Effect, Schema } from "effect"
import { CacheError, ExportError } from "../CacheError.ts"

/** The system refused. */
export class IoFailure extends Schema.TaggedError<IoFailure>()("IoFailure", {
  /** ENOENT, ENOSPC, …; absent when the call did not get as far as the system. */
  code: Schema.optionalKey(Schema.String),
  cause: Schema.Defect()
}) {}

export const failureOf = (cause: unknown): IoFailure => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  return new IoFailure(typeof code === "string" ? { code, cause } : { cause })
}

export const io = <A>(call: () => Promise<A>): Effect.Effect<A, IoFailure> =>
  Effect.uninterruptible(Effect.tryPromise({ try: call, catch: failureOf }))

/** A call that takes a callback, for what is called for every block: a promise of Node's costs more than the call itself. */
export const ioCallback = <A>(
  call: (done: (error: NodeJS.ErrnoException | null, value: A) => void) => void
): Effect.Effect<A, IoFailure> =>
  Effect.uninterruptible(
    Effect.callback((resume) =>
      call((error, value) => resume(error === null ? Effect.succeed(value) : Effect.fail(failureOf(error))))
    )
  )

/** The failure in the words of the cache. */
export const toCacheError =
  (operation: CacheError["operation"], contentId?: ContentId) =>
  ({ code, cause }: { readonly code?: string; readonly cause: unknown }): CacheError =>
    new CacheError({
      operation,
      cause,
      ...(code === undefined ? {} : { code }),
      ...(contentId === undefined ? {} : { contentId })
    })

/** The failure in the words of who named the destination. */
export const toExportError =
  (path: string) =>
  ({ code, cause }: IoFailure): ExportError =>
    new ExportError({ path, reason: reasons[code ?? ""] ?? "Failed", cause })

const reasons: { readonly [code: string]: ExportError["reason"] } = {
  EEXIST: "Exists",
  ENOENT: "NoFolder",
  ENOTDIR: "NoFolder",
  EACCES: "Denied",
  EPERM: "Denied",
  EROFS: "Denied",
  ENOSPC: "DiskFull",
  EDQUOT: "DiskFull"
}

/** Goes on without the failure when its code is one of these. */
export const unless =
  <A>(codes: ReadonlyArray<string>, otherwise: A) =>
  <B, R>(self: Effect.Effect<B, IoFailure, R>): Effect.Effect<A | B, IoFailure, R> =>
    self.pipe(
      Effect.catch((failure) =>
        failure.code !== undefined && codes.includes(failure.code) ? Effect.succeed(otherwise) : Effect.fail(failure)
      )
    )
