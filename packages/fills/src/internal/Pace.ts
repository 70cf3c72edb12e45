/**
 * How many bytes of an answer to wait for before its readers are told: the first ones at once, then what comes within some
 * milliseconds, so that many readers are not woken for each packet.
 */

/** Milliseconds over which the rate is measured, and those whose bytes come together. */
const measured = 20
const together = 10

/** Most bytes that come together: so many are late at most when a fast server becomes slow. */
const most = 65_536

export class Pace {
  private readonly now: () => number
  private began: number
  private bytes = 0
  private wanted = 1

  constructor(now: () => number) {
    this.now = now
    this.began = now()
  }

  enough(): number {
    return this.wanted
  }

  came(bytes: number): void {
    this.bytes += bytes
    const elapsed = this.now() - this.began
    if (elapsed < measured) return
    this.wanted = Math.max(1, Math.min(most, Math.floor((this.bytes / elapsed) * together)))
    this.began += elapsed
    this.bytes = 0
  }
}
