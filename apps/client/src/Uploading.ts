/** What the rules of uploading do on this device now, in sentences for people: facts, settings and the month's sum. */
import { usesPeers } from "@piecework/domain/DownloadMode"
import { Months, type MonthlySum } from "@piecework/download/Months"
import { because, standing, type Standing } from "@piecework/download/Permission"
import { Host } from "@piecework/host/Host"
import * as Eligibility from "@piecework/policy/Eligibility"
import type { Policy } from "@piecework/policy/Policy"
import { gibibyte } from "@piecework/policy/Units"
import { Effect, type FileSystem, type Path } from "effect"
import * as DevicePolicy from "./DevicePolicy.ts"
import { placesIn } from "@piecework/device/StateFolder"
import * as Amount from "./view/Amount.ts"

export interface Now extends Standing {
  readonly month: MonthlySum
}

/** What was downloaded and sent this month, by all processes on the state folder; makes nothing. */
export const month = (root: string): Effect.Effect<MonthlySum, never, FileSystem.FileSystem | Path.Path> =>
  Effect.flatMap(Months, ({ look: now }) => now).pipe(Effect.provide(Months.layer(placesIn(root).months)))

/** As things are now, for a device whose cache lies there; makes nothing. */
export const look = Effect.fn("Uploading.look")(function* (
  policy: Policy,
  { cache, root }: { readonly root: string; readonly cache: string }
): Effect.fn.Return<Now, never, FileSystem.FileSystem | Path.Path> {
  const facts = Effect.flatMap(Host, (host) =>
    host.facts({ cacheFolder: cache, vpnKeywords: policy.get("DOVpnKeywords") })
  )
  const [found, sum] = yield* Effect.all([Effect.provide(facts, DevicePolicy.thisHost), month(root)])
  const { isMetered, power, ...build } = found
  return { ...standing(policy, { build, power, isMetered, sentThisMonth: sum.sums.toInternet }), month: sum }
})

/** What was sent of what may be: "Sent to Internet peers in 2026-11: 1.2 GB of 20 GB." */
export const sent = (policy: Policy, { month: name, sums: { toInternet: bytes } }: MonthlySum): string => {
  const cap = policy.get("DOMonthlyUploadDataCap")
  const most = cap === 0 ? ", without a limit" : ` of ${Amount.bytes(cap * gibibyte)}`
  return `Sent to Internet peers in ${name}: ${Amount.bytes(bytes)}${most}.`
}

/** Whether it may send to peers now, and why not. */
export const summary = (policy: Policy, now: Now): ReadonlyArray<string> => {
  if (!usesPeers(DevicePolicy.modeOf(policy))) return []
  if (!Eligibility.isAllowed(now.peering)) return [`This device has no peers now: ${because(now.peering)}.`]
  if (!Eligibility.isAllowed(now.near)) return [`Nothing is sent to peers now: ${because(now.near)}.`]
  if (DevicePolicy.modeOf(policy) !== "Internet") return []
  return [
    ...(Eligibility.isAllowed(now.far) ? [] : [`Nothing is sent to Internet peers now: ${because(now.far)}.`]),
    sent(policy, now.month)
  ]
}
