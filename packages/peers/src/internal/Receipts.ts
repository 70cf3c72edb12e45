/**
 * Tells a peer that asked for it what of its stream has come and when: a little after something did, so that a fast line costs no
 * more receipts than a slow one. The first is due at once, and says that there will be others.
 */
import type { PlainStream } from "@piecework/transport/ByteStream"
import type { Extension } from "@piecework/wire"
import { Effect } from "effect"
import { Wake } from "./Wake.ts"

/** Milliseconds from the first arrival to the receipt: some eighty a second, and a part of the peer's target of 25. */
const pause = 12

/** Fewer bytes are not worth a receipt, and receipts of both sides must not go on answering each other. */
const worthTelling = 512

export class Receipts {
  /** Whether something has come that the peer is to be told of now. */
  isDue = false
  private readonly stream: { readonly plain: PlainStream; readonly counters: { readonly received: number } }
  private readonly now: () => number
  private readonly came = new Wake()
  private isWished = false
  private isPending = false
  private received = 0
  private told = 0
  /** When the last of them came, in milliseconds. */
  private at = 0

  constructor(stream: Receipts["stream"], now: () => number) {
    this.stream = stream
    this.now = now
  }

  /** The peer wants them. */
  wish(): void {
    if (this.isWished) return
    this.isWished = true
    this.received = this.stream.counters.received
    this.at = this.now()
    this.isDue = true
    this.stream.plain.onArrival(this.arrived)
  }

  private readonly arrived = (received: number): void => {
    this.received = received
    this.at = this.now()
    if (this.isPending || received - this.told < worthTelling) return
    this.isPending = true
    this.came.call()
  }

  /** The receipt that is due, which counts as given; `undefined` when none is. */
  take(): Extension.Receipt | undefined {
    if (!this.isDue) return undefined
    this.isDue = false
    this.told = this.received
    const clock = Math.round(this.at * 1000)
    return {
      _tag: "Receipt",
      received: this.received,
      at: clock % 2 ** 32,
      held: Math.min(2 ** 32 - 1, Math.max(0, Math.round(this.now() * 1000) - clock))
    }
  }

  /** Makes receipts due, forever; `due` is called with each. */
  run(due: () => void): Effect.Effect<never> {
    const one = Effect.sync(() => {
      this.isPending = false
      this.isDue = true
      this.came.reset()
      due()
    })
    return Effect.forever(this.came.wait.pipe(Effect.andThen(Effect.sleep(pause)), Effect.andThen(one)))
  }
}
