/** How much memory pieces under way may take. */
import { Config, Context, Effect, Layer, Schema } from "effect"
import { standardPieceSize } from "@piecework/domain/PieceLayout"

export class BufferPoolConfig extends Context.Service<
  BufferPoolConfig,
  {
    /** Most buffers, at least 1. `BUFFER_POOL_SLOTS`, default 48: a piece has one from its first byte until it is
     * written, so these are the pieces that arrive and those that are hashed, and not those that were asked for. */
    readonly slots: number
    /**
     * Length of a buffer in bytes, and so the greatest piece that can be fetched; at least 1 KiB.
     * `BUFFER_POOL_BUFFER_SIZE`, default 1 MiB, the standard piece.
     */
    readonly bufferSize: number
  }
>()("@piecework/hashing/BufferPoolConfig") {}

export const defaults: BufferPoolConfig["Service"] = { slots: 48, bufferSize: standardPieceSize }

export const layer = (options?: Partial<BufferPoolConfig["Service"]>): Layer.Layer<BufferPoolConfig> =>
  Layer.succeed(BufferPoolConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<BufferPoolConfig, Config.ConfigError> = Layer.effect(
  BufferPoolConfig,
  Effect.gen(function* () {
    return {
      slots: yield* Config.schema(Slots, "BUFFER_POOL_SLOTS").pipe(Config.withDefault(defaults.slots)),
      bufferSize: yield* Config.schema(BufferSize, "BUFFER_POOL_BUFFER_SIZE").pipe(
        Config.withDefault(defaults.bufferSize)
      )
    }
  })
)

const Slots = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_536 }))
const BufferSize = Schema.Int.check(Schema.isBetween({ minimum: 1024, maximum: 16 * 1_048_576 }))
