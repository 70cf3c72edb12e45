/** What one run counts: bytes by where they came from, and what the schedulers decided. */
import type { SourceKind } from "@piecework/domain/SourceKind"
import type { Command } from "@piecework/scheduler"

export interface Figures {
  /** Bytes that came to devices from the origin, from their own site, and from other sites. */
  readonly fromOrigin: number
  readonly fromSite: number
  readonly fromOtherSites: number
  /**
   * Of these, the bytes that made no piece that was missing, by why: the reason of the Cancel that came before the piece was
   * whole, `OnTheWay` for what came after it, `SecondCopy`, and what died with a process of its own (`Killed`) or of the
   * other side (`HolderKilled`).
   */
  readonly wasted: Readonly<Record<string, number>>
  /** Commands by name; those of Fetch and Cancel with their reason. */
  readonly commands: Readonly<Record<string, number>>
  /** Events that the schedulers were told. */
  readonly events: number
  /** Asks for leases that the service answered. */
  readonly leaseAsks: number
}

export const none: Figures = {
  fromOrigin: 0,
  fromSite: 0,
  fromOtherSites: 0,
  wasted: {},
  commands: {},
  events: 0,
  leaseAsks: 0
}

export const sum = (a: Figures, b: Figures): Figures => ({
  fromOrigin: a.fromOrigin + b.fromOrigin,
  fromSite: a.fromSite + b.fromSite,
  fromOtherSites: a.fromOtherSites + b.fromOtherSites,
  wasted: sumBy(a.wasted, b.wasted),
  commands: sumBy(a.commands, b.commands),
  events: a.events + b.events,
  leaseAsks: a.leaseAsks + b.leaseAsks
})

export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, one) => all + one, 0)

const sumBy = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) => {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...names].toSorted().map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]))
}

/** Counts while a run goes on. */
export class Tally {
  readonly #bytes = { origin: 0, site: 0, others: 0 }
  readonly #wasted = new Map<string, number>()
  readonly #commands = new Map<string, number>()
  #events = 0
  #leaseAsks = 0

  received(kind: SourceKind, bytes: number): void {
    this.#bytes[kind === "Origin" ? "origin" : kind === "Group" ? "others" : "site"] += bytes
  }

  waste(why: string, bytes: number): void {
    if (bytes > 0) this.#wasted.set(why, (this.#wasted.get(why) ?? 0) + bytes)
  }

  told(): void {
    this.#events++
  }

  decided(command: Command.Command): void {
    const name = "reason" in command ? `${command._tag} ${command.reason}` : command._tag
    this.#commands.set(name, (this.#commands.get(name) ?? 0) + 1)
  }

  askedForLeases(): void {
    this.#leaseAsks++
  }

  figures(): Figures {
    const counted: Figures = {
      fromOrigin: this.#bytes.origin,
      fromSite: this.#bytes.site,
      fromOtherSites: this.#bytes.others,
      wasted: Object.fromEntries(this.#wasted),
      commands: Object.fromEntries(this.#commands),
      events: this.#events,
      leaseAsks: this.#leaseAsks
    }
    // So that the names are in order.
    return sum(none, counted)
  }
}
