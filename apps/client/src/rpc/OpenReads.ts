/**
 * The contents that programs have open, and their bytes on connections of their own. A content is known by a token that only who opened it
 * was told, for as long as it is open. What waits in memory is two chunks a reader.
 */
import { randomBytes } from "node:crypto"
import type { Duplex } from "node:stream"
import * as ByteFrames from "@piecework/client/ByteFrames"
import { JobError as AgentJobError } from "@piecework/client/AgentError"
import * as DuplexSocket from "@piecework/client/DuplexSocket"
import type { DownloadError } from "@piecework/download/DownloadError"
import type { OpenContent } from "@piecework/download/OpenContent"
import * as DownloadRunner from "@piecework/jobs/DownloadRunner"
import * as JobError from "@piecework/jobs/JobError"
import { Context, Effect, Layer, type Scope, Stream } from "effect"

/** Most contents that are open at a time, and readers of one of them. */
export const most = { contents: 64, readers: 16 } as const

interface Open {
  /** `undefined` while it is being opened. */
  content: OpenContent | undefined
  readers: number
}

export class OpenReads extends Context.Service<
  OpenReads,
  {
    /** Opens it if there is room, and answers it with its token, good until the scope closes. */
    readonly open: (
      opening: Effect.Effect<OpenContent, DownloadError, Scope.Scope>
    ) => Effect.Effect<{ readonly token: string; readonly content: OpenContent }, AgentJobError, Scope.Scope>
    /** Sends what is asked for; ends with it, or when the other side is gone. */
    readonly send: (duplex: Duplex, request: ByteFrames.ReadRequest) => Effect.Effect<void>
  }
>()("@piecework/client/OpenReads") {
  static readonly layer: Layer.Layer<OpenReads> = Layer.sync(OpenReads, () => {
    const open = new Map<string, Open>()
    return OpenReads.of({
      open: Effect.fn("OpenReads.open")(function* (opening) {
        // Its place first: one that takes its time is one of them.
        const [token, place] = yield* Effect.acquireRelease(
          Effect.suspend(() => {
            if (open.size >= most.contents) return Effect.fail(refusal("OutOfMemory"))
            const made = [randomBytes(16).toString("hex"), { content: undefined, readers: 0 } as Open] as const
            open.set(...made)
            return Effect.succeed(made)
          }),
          ([given]) => Effect.sync(() => open.delete(given))
        )
        const content = yield* Effect.mapError(opening, told)
        place.content = content
        return { token, content }
      }),
      send: Effect.fn("OpenReads.send")(function* (duplex, { length, offset, token }) {
        const found = open.get(token)
        if (found?.content === undefined) return yield* finish(duplex, ByteFrames.error(refusal("NotFound")))
        if (found.readers >= most.readers) return yield* finish(duplex, ByteFrames.error(refusal("OutOfMemory")))
        found.readers++
        const range = length === undefined ? { offset } : { offset, length }
        yield* Stream.runForEach(found.content.read(range), sender(duplex)).pipe(
          Effect.matchEffect({
            onSuccess: () => finish(duplex, ByteFrames.end),
            onFailure: (error) => (error === gone ? Effect.void : finish(duplex, ByteFrames.error(told(error))))
          }),
          Effect.raceFirst(departure(duplex)),
          Effect.ensuring(Effect.sync(() => found.readers--))
        )
      })
    })
  })
}

/** What the contract says of a number of jobs. */
export const refusal = (name: JobError.JobErrorName): AgentJobError => of(JobError.JobError.of(name))

export const of = (error: JobError.JobError): AgentJobError =>
  new AgentJobError({ code: error.code, sentence: error.message })

export const told = (error: DownloadError): AgentJobError =>
  new AgentJobError({ code: DownloadRunner.failureOf(error).code, sentence: error.message.slice(0, 8192) })

/** The other side is gone, so there is nobody to tell. */
const gone = Symbol("gone")

/**
 * Sends chunks one after the other. A chunk is only good until the next one is asked for, and the next one comes from far away: so it is
 * copied, and is on its way while that is waited for.
 */
const sender = (duplex: Duplex): ((chunk: Uint8Array) => Effect.Effect<void, typeof gone>) => {
  let held = new Uint8Array(0)
  let isBusy = false
  let waiting: (() => void) | undefined
  const written = (): void => {
    isBusy = false
    const next = waiting
    waiting = undefined
    next?.()
  }
  return (chunk) =>
    Effect.callback((resume) => {
      const send = (): void => {
        if (duplex.destroyed) return resume(Effect.fail(gone))
        if (held.length < chunk.length) held = new Uint8Array(chunk.length)
        held.set(chunk)
        isBusy = true
        duplex.cork()
        duplex.write(ByteFrames.head(chunk.length))
        duplex.write(held.subarray(0, chunk.length), written)
        duplex.uncork()
        resume(Effect.void)
      }
      if (chunk.length === 0) return resume(Effect.void)
      if (!isBusy) return send()
      waiting = send
      return Effect.sync(() => (waiting = undefined))
    })
}

const finish = (duplex: Duplex, last: Uint8Array): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (duplex.destroyed) return resume(Effect.void)
    duplex.once("close", () => resume(Effect.void))
    duplex.end(last, () => resume(Effect.void))
    return undefined
  })

/** Nothing more is to come from a program that reads; what it sends all the same is let fall. */
const departure = (duplex: Duplex): Effect.Effect<void> =>
  Effect.scoped(
    Effect.flatMap(DuplexSocket.pull(duplex), (pull) => Effect.catch(Effect.forever(pull), () => Effect.void))
  )
