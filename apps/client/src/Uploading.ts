/** What the rules of uploading do on this device now, in sentences for people: facts, settings and the month's sum. */
import { usesPeers } from "@piecework/domain/DownloadMode"
import { MonthlyUploads, type MonthlySum } from "@piecework/download/MonthlyUploads"
import { because, standing, type Standing } from "@piecework/download/Permission"
import { Host } from "@piecework/host/Host"
import * as Eligibility from "@piecework/policy/Eligibility"
import type { Policy } from "@piecework/policy/Policy"
import type { Name } from "@piecework/policy/Settings"
import { gibibyte } from "@piecework/policy/Units"
import { Effect, type FileSystem, Option, type Path } from "effect"
import * as DevicePolicy from "./DevicePolicy.ts"
import { defaultRoot, placesIn } from "./StateFolder.ts"
import * as Amount from "./view/Amount.ts"

export interface Now extends Standing {
  readonly month: MonthlySum
}

/** As things are now; makes nothing. */
export const look = Effect.fn("Uploading.look")(function* (
  policy: Policy,
  state: Option.Option<string>
): Effect.fn.Return<Now, never, FileSystem.FileSystem | Path.Path> {
  const places = placesIn(Option.getOrElse(state, () => defaultRoot(process.env)))
  const facts = Effect.flatMap(Host, (host) =>
    host.facts({ cacheFolder: places.cache, vpnKeywords: policy.get("DOVpnKeywords") })
  )
  const month = Effect.flatMap(MonthlyUploads, (months) => months.look)
  const [found, sum] = yield* Effect.all([
    Effect.provide(facts, DevicePolicy.thisHost),
    Effect.provide(month, MonthlyUploads.layer(places.uploads))
  ])
  const { isMetered, power, ...build } = found
  return { ...standing(policy, { build, power, isMetered, sentThisMonth: sum.sent }), month: sum }
})

/** What was sent of what may be: "Sent to Internet peers in 2026-11: 1.2 GB of 20 GB." */
export const sent = (policy: Policy, { month, sent: bytes }: MonthlySum): string => {
  const cap = policy.get("DOMonthlyUploadDataCap")
  const most = cap === 0 ? ", without a limit" : ` of ${Amount.bytes(cap * gibibyte)}`
  return `Sent to Internet peers in ${month}: ${Amount.bytes(bytes)}${most}.`
}

/** What a setting of these does to the device now; nothing for other settings. */
export const explained = (policy: Policy, name: Name, now: Now): ReadonlyArray<string> => {
  switch (name) {
    case "DOMonthlyUploadDataCap":
      return [
        sent(policy, now.month),
        ...about("DOMonthlyUploadDataCap", "Nothing is sent to Internet peers now", now.far),
        ...(DevicePolicy.modeOf(policy) === "Internet"
          ? []
          : ["The mode has no Internet peers; those of the site and the group do not count."])
      ]
    case "DOMinBatteryPercentageAllowedToUpload": {
      const near = about(name, "Nothing is sent to peers now", now.near)
      if (near.length > 0) return near
      const far = about(name, "Nothing is sent to Internet peers now", now.far)
      return far.length > 0 ? far : ["The battery does not keep this device from sending to peers now."]
    }
    case "DeviceClass":
      return [`The device counts as a ${policy.get("DeviceClass") === 1 ? "server" : "client"} among others.`]
    default:
      return []
  }
}

const about = (name: Name, what: string, verdict: Eligibility.Verdict): ReadonlyArray<string> =>
  verdict.filter(({ setting }) => setting === name).map(({ sentence }) => `${what}: ${sentence}.`)

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
