/**
 * What we owe a peer beside blocks: choke and interest as they are now, pieces that we hold, requests and their cancels. The
 * messages are made from the state when they can be sent, so nothing that a peer does makes a queue grow.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Codec, Extension } from "@piecework/wire"
import type { Message } from "@piecework/wire/Message"
import type { Intake } from "./Intake.ts"
import type { Inventory } from "./Inventory.ts"
import type { Receipts } from "./Receipts.ts"

export class Dues {
  /** Whether we answer the peer's requests. */
  unchoked = false
  /** Whether the peer answers ours. */
  mayAsk = false
  /** The other side should hear something. */
  keepAlive = false
  /** In which trace this session is, once that is known; told once. */
  trace: Extension.Trace | undefined
  private readonly inventory: Inventory
  private readonly intake: Intake
  private readonly receipts: Receipts
  /** Whether the peer is asked for receipts. */
  private readonly wantsReceipts: boolean
  private greeted = false
  private unchokeSent = false
  private interestSent = false
  private haves: Array<PieceIndex> = []
  private laterHaves: Array<PieceIndex> = []
  private isLater = false

  constructor(inventory: Inventory, intake: Intake, receipts: Receipts, wantsReceipts: boolean) {
    this.inventory = inventory
    this.intake = intake
    this.receipts = receipts
    this.wantsReceipts = wantsReceipts
  }

  /** Whether the peer was told that it may ask. */
  get mayBeAsked(): boolean {
    return this.unchokeSent
  }

  /** Whether the peer holds what we want and does not know yet that we do. */
  get owesInterest(): boolean {
    return this.inventory.wanted && !this.interestSent
  }

  /**
   * We hold a piece; answers whether the peer should be told now. One that holds it itself learns little: that rides along
   * with the next message, or goes when `hurry` says so.
   */
  tell(piece: PieceIndex): boolean {
    if (!this.inventory.tell(piece)) return false
    const isNews = !this.inventory.theyHold(piece)
    if (isNews) this.haves.push(piece)
    else this.laterHaves.push(piece)
    return isNews
  }

  /** Even what a peer cannot use goes with the next lot; answers whether there is any. */
  hurry(): boolean {
    this.isLater = this.laterHaves.length > 0
    return this.isLater
  }

  /** All that is owed now, which counts as paid; `undefined` when that is nothing. `choked` is called when we choke. */
  take(choked: () => void): Uint8Array | undefined {
    const frames: Array<Uint8Array> = []
    const add = (message: Message) => void frames.push(Codec.encode(message))
    const { intake, inventory } = this
    if (!this.greeted) {
      this.greeted = true
      add({ _tag: "Bitfield", bytes: inventory.mine.toBitfield().bytes })
      // Before anything that makes the peer ask, so that its first receipt is here before its first request.
      if (this.wantsReceipts) frames.push(Extension.encode({ _tag: "Wish" }))
      this.haves = []
      this.laterHaves = []
    }
    if (this.trace !== undefined) {
      frames.push(Extension.encode(this.trace))
      this.trace = undefined
    }
    if (this.unchoked !== this.unchokeSent) {
      this.unchokeSent = this.unchoked
      if (!this.unchoked) choked()
      add({ _tag: this.unchoked ? "Unchoke" : "Choke" })
    }
    // Interest stays until we hold everything: the next piece they announce is then one round trip away, not two.
    const { mine, wanted } = inventory
    const interested = wanted || intake.size > 0 || (this.interestSent && mine.size < mine.pieceCount)
    if (interested !== this.interestSent) {
      this.interestSent = interested
      add({ _tag: interested ? "Interested" : "NotInterested" })
    }
    for (const piece of this.haves) add({ _tag: "Have", piece })
    if (this.haves.length > 0) this.haves = []
    for (const block of intake.takeCancels()) add({ _tag: "Cancel", ...block })
    if (this.mayAsk)
      for (let block = intake.ask(); block !== undefined; block = intake.ask()) add({ _tag: "Request", ...block })
    if (this.laterHaves.length > 0 && (this.isLater || frames.length > 0)) {
      for (const piece of this.laterHaves) add({ _tag: "Have", piece })
      this.laterHaves = []
    }
    this.isLater = false
    const receipt = this.receipts.take()
    if (receipt !== undefined) frames.push(Extension.encode(receipt))
    if (this.keepAlive && frames.length === 0) add({ _tag: "KeepAlive" })
    this.keepAlive = false
    return frames.length > 1 ? Buffer.concat(frames) : frames[0]
  }
}
