/** What filling may take of memory, connections and time. */
import { standardPieceSize } from "@piecework/domain/PieceLayout"
import { Config, Context, Duration, Effect, Layer, Schema } from "effect"

export class FillsConfig extends Context.Service<
  FillsConfig,
  {
    /**
     * Memory for pieces that arrive or are being kept, in pieces of 1 MiB, at least 4. When all is taken, servers of files wait.
     * `FILLS_PIECE_BUFFERS`, default 64.
     */
    readonly pieceBuffers: number
    /**
     * Bytes of memory for what readers take from the drives, all together: each has a chunk of its own, which is smaller the more
     * they are, and never smaller than 16 KiB. `FILLS_READ_MEMORY`, default 64 MiB.
     */
    readonly readMemory: number
    /** Most files that are open at a time. `FILLS_MAX_FILES`, default 4096. */
    readonly maxFiles: number
    /** Most requests at a time for one file, at distant places of it. `FILLS_FETCHES_PER_FILE`, default 4. */
    readonly fetchesPerFile: number
    /** Most requests for parts of files at a time, in all. `FILLS_MAX_FETCHES`, default 64. */
    readonly maxFetches: number
    /**
     * Requests in a row that bring less than 64 KiB each, until a part is given up: the first is repeated at once, the others after
     * 250 ms, twice as long each time. `FILLS_TRIES`, default 6.
     */
    readonly tries: number
    /** Refusals that are kept in memory, of at most 2 KiB each. `FILLS_MAX_REFUSALS`, default 4096. */
    readonly maxRefusals: number
    /** How long a refusal counts whose server says nothing of that; what it says counts for ten minutes at most. `FILLS_REFUSAL_AGE`, default 10 s. */
    readonly refusalAge: Duration.Duration
    /** How long past its time a file is answered while its server is away. `FILLS_STALE_FOR`, default 7 days. */
    readonly staleFor: Duration.Duration
    /** How long a server that was away is not asked again about a file that is answered meanwhile. `FILLS_STALE_PAUSE`, default 30 s. */
    readonly stalePause: Duration.Duration
    /** How long a file stays open, and what was read ahead of a reader goes on, after the last of them left. Default 2 s. */
    readonly linger: Duration.Duration
  }
>()("@piecework/fills/FillsConfig") {}

export const defaults: FillsConfig["Service"] = {
  pieceBuffers: 64,
  readMemory: 64 * standardPieceSize,
  maxFiles: 4096,
  fetchesPerFile: 4,
  maxFetches: 64,
  tries: 6,
  maxRefusals: 4096,
  refusalAge: Duration.seconds(10),
  staleFor: Duration.days(7),
  stalePause: Duration.seconds(30),
  linger: Duration.seconds(2)
}

export const layer = (options?: Partial<FillsConfig["Service"]>): Layer.Layer<FillsConfig> =>
  Layer.succeed(FillsConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<FillsConfig, Config.ConfigError> = Layer.effect(
  FillsConfig,
  Effect.gen(function* () {
    return {
      ...defaults,
      pieceBuffers: yield* number("FILLS_PIECE_BUFFERS", 4, 65_536, defaults.pieceBuffers),
      readMemory: yield* number("FILLS_READ_MEMORY", standardPieceSize, 2 ** 40, defaults.readMemory),
      maxFiles: yield* number("FILLS_MAX_FILES", 1, 1_000_000, defaults.maxFiles),
      fetchesPerFile: yield* number("FILLS_FETCHES_PER_FILE", 1, 64, defaults.fetchesPerFile),
      maxFetches: yield* number("FILLS_MAX_FETCHES", 1, 4096, defaults.maxFetches),
      tries: yield* number("FILLS_TRIES", 1, 100, defaults.tries),
      maxRefusals: yield* number("FILLS_MAX_REFUSALS", 0, 1_000_000, defaults.maxRefusals),
      refusalAge: yield* span("FILLS_REFUSAL_AGE", defaults.refusalAge),
      staleFor: yield* span("FILLS_STALE_FOR", defaults.staleFor),
      stalePause: yield* span("FILLS_STALE_PAUSE", defaults.stalePause)
    }
  })
)

const span = (name: string, fallback: Duration.Duration) => Config.Duration(name).pipe(Config.withDefault(fallback))
const number = (name: string, minimum: number, maximum: number, fallback: number) =>
  Config.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })), name).pipe(Config.withDefault(fallback))
