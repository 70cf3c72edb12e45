/**
 * Which origins have contents that the service knows, as far as it has said so lately. Of one that had none among the last files that were asked
 * for, the next is most likely none either, so nothing is gained by waiting for the service first. Bounded; plain state.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"

/** Files that nobody knew, in a row, before an origin counts as one without contents. */
const enough = 8

const maxOrigins = 256

export class OriginMemory {
  /** Files in a row that were unknown, by origin; the one that was heard of longest ago comes first. */
  readonly #unknown = new Map<string, number>()

  /** The service has said whether it knows the URL. */
  note(url: ContentUrl, isKnown: boolean): void {
    const { origin } = new URL(url)
    const before = this.#unknown.get(origin) ?? 0
    this.#unknown.delete(origin)
    if (isKnown) return
    this.#unknown.set(origin, before + 1)
    const [oldest] = this.#unknown.keys()
    if (this.#unknown.size > maxOrigins && oldest !== undefined) this.#unknown.delete(oldest)
  }

  /** Whether the service is likely to know it. */
  isPromising(url: ContentUrl): boolean {
    return (this.#unknown.get(new URL(url).origin) ?? 0) < enough
  }
}
