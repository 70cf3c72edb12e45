/**
 * Whether this device may have peers now, and to whom of them it may send: what the rules of `policy` say of the settings
 * as they are and of facts that are looked at again every few seconds. Who may not have peers leaves them, and goes on over
 * HTTP. Who may not send goes on taking: its sessions are choked and its joins say so. What changes is told in the log, with
 * its reasons. Source: spec.md §3.6.
 */
import { type DownloadMode, fromNumber } from "@piecework/domain/DownloadMode"
import type { PeerKind } from "@piecework/domain/Peer"
import { Host, type Build } from "@piecework/host/Host"
import type { Recorder } from "@piecework/ledger/Recorder"
import { UploadGate } from "@piecework/peers/UploadGate"
import * as Eligibility from "@piecework/policy/Eligibility"
import type { Facts } from "@piecework/policy/Facts"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import { gibibyte } from "@piecework/policy/Units"
import { Context, Effect, Latch, Layer, Schedule, type Scope } from "effect"
import { Months } from "./Months.ts"
import * as Switched from "./Switched.ts"

export interface Standing {
  /** What keeps the device from having peers. */
  readonly peering: Eligibility.Verdict
  /** What keeps it from sending to peers of its site and its group. */
  readonly near: Eligibility.Verdict
  /** … and to those of the Internet. */
  readonly far: Eligibility.Verdict
}

export interface Permission {
  readonly current: () => Standing
  /** Calls the listener in plain code when a verdict has changed for another, as long as the scope lasts. */
  readonly onChange: (listener: () => void) => Effect.Effect<void, never, Scope.Scope>
}

const everything: Standing = { peering: [], near: [], far: [] }

/** Without anybody who looks, everything is allowed. */
export const Permission = Context.Reference<Permission>("@piecework/download/Permission", {
  defaultValue: () => ({ current: () => everything, onChange: () => Effect.void })
})

/** On while the device may have peers. */
export const mayPeer = (permission: Permission): Switched.Switch => ({
  isOn: () => Eligibility.isAllowed(permission.current().peering),
  onChange: permission.onChange
})

/** Has the ledger of a download know what it is, and what becomes of it. */
export const recorded = (permission: Permission, ledger: Recorder): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    const note = () => {
      const { far, near, peering } = permission.current()
      ledger.note({ _tag: "Permission", peering: rulesOf(peering), near: rulesOf(near), far: rulesOf(far) })
    }
    note()
    return permission.onChange(note)
  })

const rulesOf = (verdict: Eligibility.Verdict) =>
  verdict.slice(0, 16).map(({ sentence, setting }) => (setting === undefined ? { sentence } : { setting, sentence }))

/** To whom a member of a swarm gives: what its join says. */
export type Gives = "All" | "Near" | "Nobody"

/** Only in Internet mode are there peers of the Internet to be told apart. */
export const gives = ({ far, near }: Standing, scope: DownloadMode): Gives => {
  if (!Eligibility.isAllowed(near)) return "Nobody"
  return scope !== "Internet" || Eligibility.isAllowed(far) ? "All" : "Near"
}

export interface Circumstances {
  readonly build: Build
  readonly power: Facts["power"]
  readonly isMetered: boolean | undefined
  readonly sentThisMonth: number
}

/** What follows from the settings and the facts. */
export const standing = (policy: ReturnType<LivePolicy["current"]>, facts: Circumstances): Standing => {
  const to = (kind: PeerKind) => Eligibility.uploading(policy, facts, { to: kind, sentThisMonth: facts.sentThisMonth })
  return {
    peering: Eligibility.peering(policy, modeOf(policy.get("DODownloadMode")), facts.build),
    near: to("Lan"),
    far: to("Internet")
  }
}

const modeOf = (number: number): DownloadMode => fromNumber(number) ?? "Lan"

/** Power and VPN are looked at so often: reading them takes a millisecond or two. */
const lookEvery = "5 seconds"
/** Whether the network is metered is asked of a program of the system, so less often. */
const askEvery = "1 minute"

/**
 * Looks for as long as it lasts. Until it is known what was sent this month and whether the network is metered nothing is sent,
 * which takes two seconds at most; nobody is told that nothing will be.
 */
export const layer = (options: { readonly cacheFolder: string }): Layer.Layer<never, never, Host | Months> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const host = yield* Host
      const months = yield* Months
      const sentThisMonth = () => months.sum().sums.toInternet
      /** Bytes that Internet peers were sent since the sum was looked at: only what tells when to look again. */
      let ahead = 0
      const live = yield* LivePolicy
      const look = Effect.suspend(() =>
        Effect.all({
          build: host.build({
            cacheFolder: options.cacheFolder,
            vpnKeywords: live.current().get("DOVpnKeywords")
          }),
          power: host.power
        })
      )
      let facts: Circumstances = { ...(yield* look), isMetered: undefined, sentThisMonth: sentThisMonth() }
      let now = standing(live.current(), facts)
      /** What has to be known before anything is sent. */
      const unknown = new Set(["months", "metered"])
      const learnt = (what: "months" | "metered") => {
        if (unknown.delete(what) && unknown.size === 0) gateListeners.call()
      }
      const listeners = Switched.listeners()
      const gateListeners = Switched.listeners()
      /** What is to be told. */
      const news: Array<string> = []
      const isNews = yield* Latch.make(false)
      const lookSoon = yield* Latch.make(false)

      const judge = () => {
        const before = now
        now = standing(live.current(), facts)
        const changed = (["peering", "near", "far"] as const).filter((what) => isOther(before[what], now[what]))
        if (changed.length === 0) return
        news.push(...sentences(before, now))
        if (news.length > 0) isNews.openUnsafe()
        gateListeners.call()
        listeners.call()
      }

      const learn = (more: Partial<Circumstances>) => {
        facts = { ...facts, ...more, sentThisMonth: sentThisMonth() }
        ahead = 0
        judge()
      }

      yield* live.onChange(() => {
        judge()
        // What makes a VPN of an interface may have changed.
        lookSoon.openUnsafe()
      })
      const looking = Effect.gen(function* () {
        yield* lookSoon.close
        const [seen] = yield* Effect.all([look, months.look], { concurrency: 2 })
        learn(seen)
        learnt("months")
        yield* Effect.timeoutOption(lookSoon.await, lookEvery)
      })
      yield* Effect.forkScoped(Effect.forever(looking))
      const asking = Effect.map(host.isMetered, (isMetered) => {
        learn({ isMetered })
        learnt("metered")
      })
      yield* Effect.forkScoped(Effect.repeat(asking, Schedule.spaced(askEvery)))
      yield* Effect.forkScoped(
        Effect.forever(
          Effect.gen(function* () {
            yield* isNews.await
            yield* isNews.close
            yield* Effect.forEach(news.splice(0), (sentence) => Effect.logInfo(sentence), { discard: true })
          })
        )
      )

      const permission: Permission = { current: () => now, onChange: listeners.add }
      const gate: UploadGate = {
        isOpen: (to) => unknown.size === 0 && Eligibility.isAllowed(to === "Internet" ? now.far : now.near),
        onChange: gateListeners.add,
        sent: (to, bytes) => {
          if (to !== "Internet") return
          ahead += bytes
          // Not a second too late; all else waits for the next look.
          const cap = live.current().get("DOMonthlyUploadDataCap") * gibibyte
          if (cap > 0 && facts.sentThisMonth + ahead >= cap && Eligibility.isAllowed(now.far)) learn({})
        }
      }
      return Context.empty().pipe(Context.add(Permission, permission), Context.add(UploadGate, gate))
    })
  )

/** The same rules with other figures in their sentences are no news. */
const isOther = (before: Eligibility.Verdict, after: Eligibility.Verdict): boolean =>
  before.length !== after.length || before.some(({ setting }, i) => setting !== after[i]?.setting)

/** What a verdict is for people: its reasons, and the settings that decide. */
export const because = (verdict: Eligibility.Verdict): string =>
  verdict.map(({ sentence, setting }) => (setting === undefined ? sentence : `${sentence}: ${setting}`)).join("; ")

const isMode = (verdict: Eligibility.Verdict) => verdict.some(({ setting }) => setting === "DODownloadMode")

const sentences = (before: Standing, after: Standing): ReadonlyArray<string> => {
  const told: Array<string> = []
  // A mode is chosen, and whoever chose it knows.
  if (isMode(before.peering) || isMode(after.peering)) return told
  const turned = (what: keyof Standing, off: string, on: string) => {
    const [was, is] = [Eligibility.isAllowed(before[what]), Eligibility.isAllowed(after[what])]
    if (was && !is) told.push(`${off}: ${because(after[what])}.`)
    if (!was && is) told.push(on)
  }
  turned("peering", "Peers are left", "Peers are met again.")
  turned("near", "Nothing is sent to peers", "Peers are sent pieces again.")
  const isNearTold = told.length > 0 && Eligibility.isAllowed(before.near) !== Eligibility.isAllowed(after.near)
  if (!isNearTold) turned("far", "Nothing is sent to Internet peers", "Internet peers are sent pieces again.")
  return told
}
