/**
 * Who is kept out, and until when: devices, and with them the hosts they were seen on if the caller says so. A ban is
 * over by itself. Lives as long as the process. Source: spec.md §3.2.
 */
import type { DeviceId } from "@piecework/domain/Peer"
import { Clock, Context, Effect, Layer, Metric } from "effect"

export interface Ban {
  readonly device: DeviceId
  /** An IP address whose connections are refused as well, whatever device they name. */
  readonly host?: string | undefined
  /** Epoch milliseconds at which the ban is over. */
  readonly until: number
}

/** Most bans that are kept, so that a swarm of inventions cannot fill the memory; beyond it the one that ends first goes. */
export const maxBans = 4096

export class Bans extends Context.Service<
  Bans,
  {
    /** Bans a device; one that is banned already stays so until the later of both times. */
    readonly ban: (ban: Ban) => Effect.Effect<void>
    /** Whether the device, the host, or the host of another banned device is kept out now. */
    readonly isBanned: (who: {
      readonly device?: DeviceId | undefined
      readonly host?: string | undefined
    }) => Effect.Effect<boolean>
    /** The bans in force, the longest first. */
    readonly list: Effect.Effect<ReadonlyArray<Ban>>
  }
>()("@piecework/peers/Bans") {
  static readonly layer = Layer.sync(Bans, () => {
    const bans = new Map<string, Ban>()
    const keyOf = (ban: Ban) => `${ban.device}/${ban.host ?? ""}`
    const expire = (now: number) => {
      for (const [key, ban] of bans) if (ban.until <= now) bans.delete(key)
    }
    const firstToEnd = () => {
      let first: Ban | undefined
      for (const ban of bans.values()) if (first === undefined || ban.until < first.until) first = ban
      return first
    }

    return Bans.of({
      ban: Effect.fnUntraced(function* (ban) {
        const now = yield* Clock.currentTimeMillis
        if (ban.until <= now) return
        expire(now)
        const key = keyOf(ban)
        const known = bans.get(key)
        if (known !== undefined && known.until >= ban.until) return
        bans.set(key, ban)
        yield* Metric.update(counter, 1)
        if (bans.size > maxBans) {
          const first = firstToEnd()
          if (first !== undefined) bans.delete(keyOf(first))
        }
      }),

      isBanned: Effect.fnUntraced(function* ({ device, host }) {
        if (bans.size === 0) return false
        const now = yield* Clock.currentTimeMillis
        for (const ban of bans.values()) {
          if (ban.until <= now) continue
          if (ban.device === device || (ban.host !== undefined && ban.host === host)) return true
        }
        return false
      }),

      list: Effect.gen(function* () {
        expire(yield* Clock.currentTimeMillis)
        return [...bans.values()].toSorted((a, b) => b.until - a.until)
      })
    })
  })
}

/** A device and a place of it that are kept out for longer than before. */
const counter = Metric.counter("piecework_device_bans_total", {
  description: "Bans of peers for bad pieces.",
  incremental: true
})

/** So that it is there before it counts anything. */
export const begin: Effect.Effect<void> = Effect.suspend(() => Metric.update(counter, 0))
