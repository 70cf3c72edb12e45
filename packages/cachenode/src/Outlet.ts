/**
 * A client's connection as an answer's bytes go into it: two chunks on the way, so that the next is read while the last is sent. A chunk's
 * memory is free again once the system has all of it, or the connection is gone.
 */
import type { ServerResponse } from "node:http"
import { Effect, Schema } from "effect"

/** The client has closed its connection. */
export class ClientGone extends Schema.TaggedError<ClientGone>()("ClientGone", {}) {
  override get message(): string {
    return "The client has closed its connection."
  }
}

/** Called once, when the chunk's memory is free; `isLost` where the system may still look at it. */
export type Free = (isLost?: boolean) => void

export class Outlet {
  readonly #response: ServerResponse
  readonly #under = new Set<Free>()
  #isGone = false
  #wake: (() => void) | undefined
  /** Chunks that may be on the way for whoever waits to go on. */
  #target = 0

  constructor(response: ServerResponse) {
    this.#response = response
    this.#isGone = response.destroyed
    response.once("close", () => {
      this.#isGone = true
      const left = [...this.#under]
      this.#under.clear()
      for (const free of left) free(true)
      this.#wake?.()
    })
  }

  write(chunk: Uint8Array, free: Free): void {
    if (this.#isGone) return free(true)
    this.#under.add(free)
    this.#response.write(chunk, (error) => {
      if (!this.#under.delete(free)) return
      const isBroken = error !== null && error !== undefined
      if (isBroken) this.#isGone = true
      free(isBroken)
      if (this.#isGone || this.#under.size <= this.#target) this.#wake?.()
    })
  }

  /** Waits until no more than so many chunks are on the way. */
  readonly until = (most: number): Effect.Effect<void, ClientGone> =>
    Effect.suspend(() => {
      if (this.#isGone) return Effect.fail(new ClientGone())
      if (this.#under.size <= most) return Effect.void
      return Effect.callback<void, ClientGone>((resume) => {
        this.#target = most
        this.#wake = () => {
          this.#wake = undefined
          resume(this.#isGone ? Effect.fail(new ClientGone()) : Effect.void)
        }
        return Effect.sync(() => void (this.#wake = undefined))
      })
    })
}
