/** Values that count until a time; the oldest goes when there are too many. Plain and bounded. */

export class Timed<A> {
  private readonly found = new Map<string, { readonly value: A; readonly until: number }>()
  private readonly most: number

  constructor(most: number) {
    this.most = most
  }

  /** `until` and `now` in epoch milliseconds. */
  set(key: string, value: A, until: number): void {
    this.found.delete(key)
    if (this.most === 0) return
    for (const oldest of this.found.keys()) {
      if (this.found.size < this.most) break
      this.found.delete(oldest)
    }
    this.found.set(key, { value, until })
  }

  get(key: string, now: number): A | undefined {
    const entry = this.found.get(key)
    if (entry === undefined) return undefined
    if (entry.until > now) return entry.value
    this.found.delete(key)
    return undefined
  }

  delete(key: string): void {
    this.found.delete(key)
  }

  get size(): number {
    return this.found.size
  }
}
