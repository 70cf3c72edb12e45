/** Facts of this device, before any rule is applied to them. */
import { readdir, readFile } from "node:fs/promises"
import type * as Findings from "@piecework/doctor/Findings"
import { Host } from "@piecework/host/Host"
import { isVpn, type NetworkInterface } from "@piecework/host/NetworkInterface"
import type { Facts } from "@piecework/policy/Facts"
import type { Policy } from "@piecework/policy/Policy"
import { standing } from "@piecework/download/Permission"
import { Effect } from "effect"
import * as Uploading from "../Uploading.ts"

/** Node runs the sources, and has the database that the service keeps, from here on. Source: packages/launch. */
const neededNode = [22, 19] as const

export interface Looked {
  readonly facts: Facts
  readonly interfaces: ReadonlyArray<NetworkInterface>
  readonly month: Findings.Device["month"]
  readonly openFiles: Findings.Device["openFiles"]
}

export const look = Effect.fn("DeviceProbe.look")(function* (
  policy: Policy,
  { agent, cache, root }: { readonly root: string; readonly cache: string; readonly agent: Findings.Agent }
) {
  const host = yield* Host
  const pid = agent._tag === "Runs" ? agent.pid : undefined
  const [facts, interfaces, month, openFiles] = yield* Effect.all(
    [
      host.facts({ cacheFolder: cache, vpnKeywords: policy.get("DOVpnKeywords") }),
      host.interfaces,
      Effect.map(Uploading.month(root), ({ month: name, sums }) => ({ month: name, sent: sums.toInternet })),
      filesOf(pid)
    ],
    { concurrency: "unbounded" }
  )
  const looked: Looked = { facts, interfaces, month, openFiles }
  return looked
})

/** What follows, by the settings as they turned out to be. */
export const judged = (policy: Policy, { facts, interfaces, month, openFiles }: Looked): Findings.Device => {
  const vpn = interfaces.find((one) => isVpn(one, policy.get("DOVpnKeywords")))?.name ?? false
  const now: Facts = { ...facts, vpn }
  const { isMetered, power, ...build } = now
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
  return {
    facts: now,
    standing: standing(policy, { build, power, isMetered, sentThisMonth: month.sent }),
    interfaces: interfaces
      .filter(({ addresses, isLoopback }) => !isLoopback && addresses.length > 0)
      .map(({ addresses, name }) => ({ name, addresses: addresses.map(({ address }) => address) })),
    month: { month: month.month, sent: month.sent },
    node: {
      version: process.versions.node,
      needed: neededNode.join("."),
      isEnough: major > neededNode[0] || (major === neededNode[0] && minor >= neededNode[1])
    },
    openFiles
  }
}

/** Of the process, else of this one. Source: Linux, proc(5). */
const filesOf = (pid: number | undefined): Effect.Effect<Findings.Device["openFiles"]> =>
  Effect.promise(async () => {
    const at = `/proc/${pid ?? "self"}`
    const limits = await readFile(`${at}/limits`, "utf8").catch(() => "")
    const most = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1]
    if (most === undefined || most === "unlimited") return undefined
    const used =
      pid === undefined
        ? undefined
        : await readdir(`${at}/fd`).then(
            (all) => all.length,
            () => undefined
          )
    return { most: Number(most), used }
  })
