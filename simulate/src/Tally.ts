/** What one run counts: bytes by where they came from, and the commands that the schedulers decided. */
import type { Command } from "@piecework/scheduler/Command"
import type { SourceKind } from "@piecework/domain/SourceKind"

export class Tally {
  /** Bytes that came to devices, by kind of source. */
  readonly bytes = { origin: 0, site: 0, group: 0 }
  /** Of these, bytes that made no piece that was missing. */
  wasted = 0
  /** The same by why, as far as a command says it; and `Late` for a second copy of a piece that is there. */
  readonly wastedBy = new Map<string, number>()
  /** Events that the schedulers were told. */
  decisions = 0
  /** By name, with the reason of a Fetch or a Cancel behind it. */
  readonly commands = new Map<string, number>()
  /** Asks for leases that came to the service. */
  asks = 0

  received(kind: SourceKind, bytes: number): void {
    this.bytes[kind === "Origin" ? "origin" : kind === "Group" ? "group" : "site"] += bytes
  }

  waste(why: string, bytes: number): void {
    if (bytes === 0) return
    this.wasted += bytes
    this.wastedBy.set(why, (this.wastedBy.get(why) ?? 0) + bytes)
  }

  decided(command: Command): void {
    const name = "reason" in command ? `${command._tag} ${command.reason}` : command._tag
    this.commands.set(name, (this.commands.get(name) ?? 0) + 1)
  }

  /** Counts in what another run counted. */
  add(other: Tally): void {
    for (const kind of ["origin", "site", "group"] as const) this.bytes[kind] += other.bytes[kind]
    for (const [why, bytes] of other.wastedBy) this.waste(why, bytes)
    for (const [name, count] of other.commands) this.commands.set(name, (this.commands.get(name) ?? 0) + count)
    this.decisions += other.decisions
    this.asks += other.asks
  }
}
