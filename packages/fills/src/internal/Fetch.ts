/**
 * One request for a run of pieces, and what it takes to bring them: where it breaks, another goes on at the same byte, with the next
 * server where there are several. Readers see bytes as they arrive, and nothing of the breaks.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { HttpError } from "@piecework/sources/HttpError"
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"
import type { StoredObject } from "@piecework/objects/StoredObject"
import type { HttpBody, HttpResponse } from "@piecework/sources/HttpResponse"
import { Deferred, Effect, Result } from "effect"
import { FillError } from "../FillError.ts"
import { Arrival } from "./Arrival.ts"
import * as Asking from "./Asking.ts"
import * as Facts from "./Facts.ts"
import type { Fetching, OpenFile } from "./OpenFile.ts"
import { Pace } from "./Pace.ts"
import { shown } from "./Shop.ts"

/** An answer that brings fewer bytes than this counts as a failed try. */
const worthwhile = 65_536

/** Milliseconds before the second repetition; twice as many before each that follows, up to the last. */
const firstPause = 250
const longestPause = 10_000

/** Pieces that a fetch is ahead of the readers of a file that no drive keeps. */
const unkeptAhead = 4

/** Bytes of the memory in which bytes are read that are here already. */
const scratchSize = 65_536

/** Runs the fetch to its end. `asked` is its first answer, where there is one already. */
export const run = (file: OpenFile, fetching: Fetching, asked: Asking.Asked | undefined): Effect.Effect<void> =>
  Effect.suspend(() => {
    const fetch = new Fetch(file, fetching)
    return Effect.onExit(fetch.run(asked), (exit) =>
      Effect.sync(() => {
        fetch.dropPart()
        // Whatever ended it, nobody asks for the same again at once.
        file.ended(fetching, exit._tag === "Success" ? fetch.error : fetch.failed("Failed", "its fetch was ended"))
      })
    )
  })

class Fetch {
  error: FillError | undefined
  private readonly file: OpenFile
  private readonly fetching: Fetching
  /** The piece that arrives, begun by an answer that broke perhaps. */
  private part: Arrival | undefined
  /** Bytes that came and were missing. */
  private brought = 0

  constructor(file: OpenFile, fetching: Fetching) {
    this.file = file
    this.fetching = fetching
  }

  dropPart(): void {
    if (this.part !== undefined) this.file.withdraw(this.part)
    this.part = undefined
  }

  /** The next byte that is missing. */
  private get position(): number {
    return this.fetching.next * this.file.layout.pieceSize + (this.part?.filled ?? 0)
  }

  private get isDone(): boolean {
    return this.fetching.next >= this.fetching.end
  }

  readonly run = (first: Asking.Asked | undefined): Effect.Effect<void> =>
    Effect.gen({ self: this }, function* () {
      const { config } = this.file.shop
      let asked = first
      let tries = 0
      while (!this.isDone) {
        const before = this.brought
        const taken = Effect.flatMap(asked === undefined ? this.ask : Effect.succeed(asked), (answer) =>
          this.take(answer)
        )
        asked = undefined
        const read = yield* Effect.result(taken)
        if (this.isDone || this.file.over !== undefined) return
        tries = this.brought - before >= worthwhile ? 0 : tries + 1
        if (Result.isFailure(read)) this.error = read.failure
        if (tries >= config.tries) {
          this.error ??= this.failed("BadAnswer", "its server sends next to nothing")
          return
        }
        this.error = undefined
        if (tries > 1) yield* Effect.sleep(Math.min(longestPause, firstPause * 2 ** (tries - 2)))
      }
    })

  failed(reason: FillError["reason"], detail: string): FillError {
    return new FillError({ url: shown(this.file.url), reason, detail })
  }

  /** Asks for what is missing. */
  private get ask(): Effect.Effect<Asking.Asked, FillError> {
    const { facts, inside, layout, sendsParts, shop, url, via, isGuarded } = this.file
    const start = this.position
    const end = Math.min(this.fetching.end * layout.pieceSize, facts.size) - 1
    const isAll = !sendsParts || (start === 0 && end === facts.size - 1)
    return Effect.flatMap(
      Asking.ask(shop, {
        url,
        range: isAll ? undefined : { start, end },
        ifRange: isAll ? undefined : Facts.ifRange(facts),
        via,
        isGuarded,
        inside,
        wrong: (upstream, response, verdict) =>
          upstream.kind === "Parent" && !isOf(facts, response, verdict)
            ? "the cache server has another file"
            : undefined
      }),
      (asked) => {
        const over = this.wrong(asked)
        return over === undefined ? Effect.succeed(asked) : Effect.andThen(Asking.close(asked.scope), over)
      }
    )
  }

  /** Why the answer does not go on with the file. */
  private wrong({ response, verdict }: Asking.Asked): FillError | undefined {
    if (isOf(this.file.facts, response, verdict)) return undefined
    switch (verdict._tag) {
      case "File":
      case "OutOfFile":
        return this.over("Changed", "its server has another file now")
      case "Failing":
        return this.failed("Failed", `its server answers HTTP ${response.status}`)
      case "Refused":
        return this.over("Failed", `its server does not give it any more (HTTP ${response.status})`)
      case "Passing":
        return this.over("Changed", "its server sends it in a way that cannot be kept")
      case "Unchanged":
        return this.failed("BadAnswer", "its server answers HTTP 304 to no question")
    }
  }

  /** The file that is here cannot be completed. */
  private over(reason: FillError["reason"], detail: string): FillError {
    const error = this.failed(reason, detail)
    this.file.isDoubted = true
    this.file.end(error)
    // Also when it was closed meanwhile, its server is asked before it is answered again.
    this.file.shop.run(this.file.confirm({ ...this.file.facts, freshUntil: 0 }))
    return error
  }

  /** Reads the answer into pieces, as far as they are wanted. */
  private take(asked: Asking.Asked): Effect.Effect<void, FillError> {
    const { response, scope, upstream, verdict } = asked
    const { file } = this
    return Effect.suspend(() => {
      const uncount = file.shop.count(upstream.kind, response.body)
      const body = verdict._tag === "File" ? { from: verdict.start, to: verdict.end } : { from: 0, to: 0 }
      if (verdict._tag === "File" && !verdict.sendsParts && file.sendsParts) this.startOver(body.from)
      return Effect.ensuring(
        Effect.catchTag(this.read(response.body, body.from, body.to), "HttpError", (error) => {
          const lost = Asking.lostBy(file.url, error)
          return Effect.andThen(file.shop.upstreams.failed(upstream, file.url, lost.failure), lost.error)
        }),
        Effect.andThen(Effect.sync(uncount), Asking.close(scope))
      )
    })
  }

  /** All of the file comes, whatever was asked for: it is taken from its beginning, once. */
  private startOver(from: number): void {
    this.file.sendsParts = false
    if (from === this.position) return
    this.dropPart()
    this.fetching.next = this.fetching.began = 0
    this.fetching.end = this.file.layout.pieceCount
  }

  /** Takes the body, which has the file's bytes from the one to before the other. */
  private read(body: HttpBody, from: number, to: number): Effect.Effect<void, HttpError> {
    return Effect.gen({ self: this }, function* () {
      const { fetching, file } = this
      const pace = new Pace(file.shop.now)
      let at = from
      while (!this.isDone && at < to) {
        const piece = fetching.next
        // Of an answer that begins earlier the first bytes are here already.
        const isElsewhere = file.isHere(piece) || (this.part === undefined && file.arrivals.has(piece))
        if (isElsewhere && file.sendsParts) {
          fetching.end = piece
          return
        }
        const end = Math.min(to, piece * file.layout.pieceSize + file.lengthOf(piece))
        if (isElsewhere) {
          yield* skip(body, end - at)
          at = end
          this.next()
          continue
        }
        if (this.position > at) {
          yield* skip(body, this.position - at)
          at = this.position
        }
        yield* file.mayArrive(fetching, unkeptAhead)
        if (this.isDone) return
        const part = this.part ?? (yield* this.begin(piece))
        const target = part.bytes.subarray(part.filled, part.filled + end - at)
        let filled = 0
        yield* Effect.whileLoop({
          while: () => filled < target.length,
          body: () => body.fill(target.subarray(filled), pace.enough()),
          step: (got) => {
            filled += got
            this.brought += got
            pace.came(got)
            part.grow(got)
            file.wake(piece)
          }
        })
        at = end
        if (part.isComplete) this.complete(part)
      }
    })
  }

  private begin(piece: number): Effect.Effect<Arrival> {
    return Effect.map(this.file.shop.buffer, (buffer) => {
      const part = new Arrival(piece, this.file.lengthOf(piece), buffer, this.file.shop.lending)
      this.part = part
      this.file.arrives(part)
      return part
    })
  }

  private complete(part: Arrival): void {
    const { file } = this
    this.part = undefined
    this.keep(part)
    this.next()
    file.wake(part.piece)
  }

  private next(): void {
    this.fetching.next++
    this.file.look()
  }

  /** Puts the piece on its drive, while the next arrives. */
  private keep(part: Arrival): void {
    const { file } = this
    if (file.isUnkept) return file.loosen(part)
    file.storing++
    const put = (stored: StoredObject | undefined) =>
      stored === undefined || file.isUnkept
        ? Effect.succeed(false)
        : Effect.as(stored.put(part.piece as PieceIndex, part.bytes.subarray(0, part.length)), true)
    file.shop.run(
      Effect.flatMap(Effect.result(Effect.flatMap(Deferred.await(file.place), put)), (result) => {
        file.storing--
        if (Result.isSuccess(result) && result.success) file.kept(part)
        else {
          file.isUnkept = true
          file.loosen(part)
        }
        file.checkIdle()
        return Result.isSuccess(result) ? Effect.void : Effect.logWarning(result.failure)
      })
    )
  }
}

/** Whether the answer has bytes of the very file. */
const isOf = (facts: ObjectFacts, response: HttpResponse, verdict: Asking.Asked["verdict"]): boolean =>
  verdict._tag === "File" && verdict.size === facts.size && Facts.isSame(facts, response.headers)

/** Reads so many bytes away. */
const skip = Effect.fnUntraced(function* (body: HttpBody, length: number) {
  const scratch = new Uint8Array(Math.min(scratchSize, length))
  for (let left = length; left > 0;) left -= yield* body.fill(scratch.subarray(0, Math.min(scratch.length, left)), 1)
})
