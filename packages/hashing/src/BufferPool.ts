/**
 * Memory for the pieces under way. A fixed number of buffers is all that a process ever uses for them, so a slow disk
 * stops the reading instead of filling the memory. The buffers are shared memory: workers hash and write from them
 * without a copy. Invariant: a buffer is free, held by exactly one `PieceBuffer`, or not made yet.
 */
import { Context, Effect, Layer } from "effect"
import { BufferPoolConfig } from "./BufferPoolConfig.ts"

/** One buffer of the pool, for as long as it is held. */
export interface PieceBuffer {
  /** The whole buffer, in shared memory. What its last holder left is still in it. */
  readonly bytes: Uint8Array
  /** Gives the buffer back, once; later calls do nothing. Nobody may touch `bytes` afterwards. */
  readonly release: () => void
}

export class BufferPool extends Context.Service<
  BufferPool,
  {
    /** Length of every buffer, in bytes. */
    readonly bufferSize: number
    /** How many buffers there can be. */
    readonly capacity: number
    /**
     * A free buffer; waits, in turn, when there is none. Interruptible while it waits. The caller sees to it that the
     * buffer is released whatever happens to its fiber; `take` does that by itself.
     */
    readonly acquire: Effect.Effect<PieceBuffer>
    /** A free buffer if there is one; `undefined` when one has to wait for it, or others do already. */
    readonly acquireUnsafe: () => PieceBuffer | undefined
    /**
     * Acquires a buffer, fills it and hands it over. The buffer is released when `fill` fails or is interrupted.
     * From then on it belongs to `handOver`, which runs uninterruptibly and must not wait.
     */
    readonly take: <E, R, E2, R2>(
      fill: (buffer: PieceBuffer) => Effect.Effect<void, E, R>,
      handOver: (buffer: PieceBuffer) => Effect.Effect<void, E2, R2>
    ) => Effect.Effect<void, E | E2, R | R2>
    /** How many buffers are free now. A plain read, for gauges and tests. */
    readonly available: () => number
  }
>()("@piecework/hashing/BufferPool") {
  /** Buffers are made when first needed and kept from then on. */
  static readonly layer: Layer.Layer<BufferPool, never, BufferPoolConfig> = Layer.effect(
    BufferPool,
    Effect.map(BufferPoolConfig, (config) => make(config))
  )
}

const make = ({ slots, bufferSize }: BufferPoolConfig["Service"]): BufferPool["Service"] => {
  // The buffer used last is taken first: its memory is still in the processor's cache.
  const free: Array<Uint8Array> = []
  let made = 0
  // A set keeps the order of arrival, and lets go of an interrupted one at once.
  const waiters = new Set<(buffer: PieceBuffer) => void>()

  const takeFree = (): Uint8Array | undefined => {
    const bytes = free.pop()
    if (bytes !== undefined || made === slots) return bytes
    made++
    return new Uint8Array(new SharedArrayBuffer(bufferSize))
  }

  const giveBack = (bytes: Uint8Array): void => {
    for (const waiter of waiters) {
      waiters.delete(waiter)
      return waiter(hold(bytes))
    }
    free.push(bytes)
  }

  const hold = (bytes: Uint8Array): PieceBuffer => {
    let held = true
    return {
      bytes,
      release: () => {
        if (!held) return
        held = false
        giveBack(bytes)
      }
    }
  }

  const acquire = Effect.callback<PieceBuffer>((resume) => {
    const bytes = takeFree()
    if (bytes !== undefined) return resume(Effect.succeed(hold(bytes)))
    let given: PieceBuffer | undefined
    const waiter = (buffer: PieceBuffer): void => {
      given = buffer
      // In a microtask, so that a chain of releases does not grow the stack of the first.
      queueMicrotask(() => resume(Effect.succeed(buffer)))
    }
    waiters.add(waiter)
    return Effect.sync(() => {
      waiters.delete(waiter)
      // Given, and interrupted before it could go on.
      given?.release()
    })
  })

  return BufferPool.of({
    bufferSize,
    capacity: slots,
    acquire,
    acquireUnsafe: () => {
      const bytes = takeFree()
      return bytes === undefined ? undefined : hold(bytes)
    },
    take: (fill, handOver) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(acquire), (buffer) =>
          Effect.andThen(
            Effect.onError(restore(Effect.suspend(() => fill(buffer))), () => Effect.sync(buffer.release)),
            Effect.suspend(() => handOver(buffer))
          )
        )
      ),
    available: () => free.length + slots - made
  })
}
