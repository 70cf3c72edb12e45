/** What the settings come to, with what the service says of them now. */
import type * as Findings from "@piecework/doctor/Findings"
import * as SettingsChecks from "@piecework/doctor/SettingsChecks"
import * as ServiceSettings from "@piecework/device/ServiceSettings"
import { placesIn } from "@piecework/device/StateFolder"
import type { KeyValueReply } from "@piecework/cloud/KeyValueRpcs"
import { Host } from "@piecework/host/Host"
import * as Policy from "@piecework/policy/Policy"
import { providers, words } from "@piecework/policy/Provider"
import * as Capacity from "@piecework/shaping/Capacity"
import * as CapacityFile from "@piecework/shaping/CapacityFile"
import { Clock, DateTime, Effect, type FileSystem, Option } from "effect"
import * as DevicePolicy from "../DevicePolicy.ts"
import * as Offers from "../Offers.ts"

export interface Looked {
  readonly said: ReadonlyArray<Policy.Said>
  readonly files: Findings.Settings["files"]
  /** By what the service said last. */
  readonly policy: Policy.Policy
  readonly ofService: Option.Option<Policy.Said>
}

export const look = Effect.fn("SettingsProbe.look")(function* (given: DevicePolicy.Given) {
  const { files, ofService, said } = yield* DevicePolicy.look(given)
  const looked: Looked = {
    said,
    files,
    ofService,
    policy: Policy.resolve([...said, ...Option.toArray(ofService)])
  }
  return looked
})

/** The settings in force, once it is known whether the service says others. */
export const resolved = ({ ofService, said }: Looked, now: KeyValueReply | undefined): Policy.Policy =>
  Policy.resolve([...said, ...(now === undefined ? Option.toArray(ofService) : [ServiceSettings.said(now.settings)])])

export const found = Effect.fn("SettingsProbe.found")(function* (
  { files, said }: Looked,
  policy: Policy.Policy,
  root: string
): Effect.fn.Return<Findings.Settings, never, Host | FileSystem.FileSystem> {
  const dhcp = yield* (yield* Host).dhcp
  const offers = Option.getOrUndefined(yield* Offers.read(root))
  const now = yield* Clock.currentTimeMillis
  const { down } = yield* CapacityFile.read(placesIn(root).line)
  const hour = DateTime.getPart(DateTime.setZone(yield* DateTime.now, DateTime.zoneMakeLocal()), "hour")
  const groups = said
    .flatMap(({ provider, values }) => {
      const id = Object.entries(values).find(([name]) => name.toLowerCase() === "dogroupid")?.[1]
      return typeof id === "string" ? [{ provider, id }] : []
    })
    .toSorted((a, b) => providers.indexOf(b.provider) - providers.indexOf(a.provider))
    .map(({ id, provider }) => ({ from: words[provider], id }))
  const waiting = offers?.filter(({ why }) => why === "Waiting").length ?? 0
  return {
    policy,
    mode: DevicePolicy.modeOf(policy),
    files,
    groups: SettingsChecks.groupsOf(policy, groups, dhcp),
    hour,
    capacity: Capacity.valueOf(down, now),
    offers: offers === undefined ? undefined : { offered: offers.length - waiting, waiting }
  }
})
