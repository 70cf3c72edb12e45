/** `piecework status`: what this device holds and where it came from. */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { PieceCache } from "@piecework/cache/PieceCache"
import * as Hosts from "@piecework/cachehosts/Hosts"
import { Records } from "@piecework/download/Records"
import * as Status from "@piecework/download/Status"
import { Host } from "@piecework/host/Host"
import type { Policy } from "@piecework/policy/Policy"
import * as Ending from "@piecework/terminal/Ending"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as CacheHostsNote from "../CacheHostsNote.ts"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import * as Offers from "../Offers.ts"
import { defaultRoot, placesIn } from "@piecework/device/StateFolder"
import * as Uploading from "../Uploading.ts"
import * as CacheHostsTable from "../view/CacheHostsTable.ts"
import * as StatusTable from "../view/StatusTable.ts"
import { withStored } from "./existing.ts"
import * as options from "./options.ts"

const cacheHosts = Flag.Boolean("cache-hosts").pipe(
  Flag.withDescription("only the cache servers that are known, with who named them and their bans"),
  Flag.withDefault(false)
)

/** What the agent knows where one runs, else what the settings and DHCP say. */
const hostsOf = Effect.fnUntraced(function* (policy: Policy, root: string) {
  const ofAgent = yield* CacheHostsNote.read(root)
  if (Option.isSome(ofAgent)) return ofAgent.value
  const dhcp = Hosts.wants(policy, Hosts.silent).dhcp ? (yield* (yield* Host).dhcp).cacheHosts : undefined
  return CacheHostsNote.byItself(policy, { ...Hosts.silent, dhcp })
})

const showHosts = Effect.fnUntraced(function* (hosts: ReadonlyArray<CacheHostsNote.Known>, json: boolean) {
  const output = yield* Output
  const now = yield* Clock.currentTimeMillis
  if (json) return yield* output.line(JSON.stringify(CacheHostsTable.forPrograms(hosts, now), null, 2))
  return yield* output.line(hosts.length === 0 ? "No cache server is known." : CacheHostsTable.render(hosts, now))
})

export const status = Command.make(
  "status",
  { state: options.state, policy: options.policy, cacheHosts, json: options.json },
  Effect.fn("status")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const policy = yield* DevicePolicy.load({ policy: input.policy })
    const root = Option.getOrElse(input.state, () => defaultRoot(process.env))
    const hosts = yield* Effect.provide(hostsOf(policy, root), DevicePolicy.thisHost)
    if (input.cacheHosts) return yield* showHosts(hosts, input.json)
    yield* Effect.gen(function* () {
      const output = yield* Output
      const { damaged, others, records } = yield* (yield* Records).list
      const cache = yield* PieceCache
      const files = Status.of({ records, others, cached: yield* (yield* CacheKeeper).list })
      const now = yield* Clock.currentTimeMillis
      const offers = yield* Offers.read(root)
      const foreign = yield* cache.foreign
      yield* output.line(input.json ? JSON.stringify(files, null, 2) : StatusTable.render(files, now, offers))
      if (input.json) return
      const named = yield* CachePlace.named(policy)
      const uploading = yield* Uploading.look(policy, { root, cache: named ?? placesIn(root).cache })
      for (const sentence of Uploading.summary(policy, uploading)) {
        yield* output.line(sentence)
      }
      if (hosts.length > 0) yield* output.line(`\n${CacheHostsTable.render(hosts, now)}`)
      if (damaged > 0) yield* output.note(`${damaged} records could not be read and are left out.`)
      for (const entry of foreign) {
        yield* output.note(`In the cache folder lies "${entry.name}", which is not used (${entry.reason}).`)
      }
    }).pipe(withStored(input.state, policy))
  })
).pipe(Command.withDescription("Show what this device holds and where it came from"))
