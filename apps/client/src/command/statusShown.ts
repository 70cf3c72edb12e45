/** What `piecework status` shows. Loaded when it is wanted. */
import { PieceCache } from "@piecework/cache/PieceCache"
import * as Hosts from "@piecework/cachehosts/Hosts"
import { Records } from "@piecework/download/Records"
import * as Amount from "@piecework/domain/Amount"
import { Host } from "@piecework/host/Host"
import type { Policy } from "@piecework/policy/Policy"
import * as AgentHere from "../AgentHere.ts"
import * as DeviceHere from "../DeviceHere.ts"
import { exitCodes } from "../ExitCode.ts"
import * as PeersTable from "../view/PeersTable.ts"
import type * as anAgent from "./anAgent.ts"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Option } from "effect"
import * as CacheHostsNote from "../CacheHostsNote.ts"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import * as Offers from "../Offers.ts"
import { defaultRoot, placesIn } from "@piecework/device/StateFolder"
import { usable } from "../Startup.ts"
import * as Uploading from "../Uploading.ts"
import * as CacheHostsTable from "../view/CacheHostsTable.ts"
import * as StatusTable from "../view/StatusTable.ts"
import { withStored } from "./existing.ts"

export interface Input extends anAgent.Input {
  readonly policy: Option.Option<string>
  readonly cacheHosts: boolean
  readonly peers: boolean
  readonly selectPeerCount: number
  readonly json: boolean
}

export const run = Effect.fnUntraced(function* (input: Input) {
  const policy = yield* DevicePolicy.load({ policy: input.policy })
  const root = Option.getOrElse(input.state, () => defaultRoot(process.env))
  yield* usable(root)
  if (input.peers) return yield* showPeers(input, root, input.selectPeerCount, input.json)
  const hosts = yield* Effect.provide(hostsOf(policy, root), DevicePolicy.thisHost)
  if (input.cacheHosts) return yield* showHosts(hosts, input.json)
  yield* Effect.gen(function* () {
    const output = yield* Output
    const { damaged } = yield* (yield* Records).list
    const cache = yield* PieceCache
    const files = yield* (yield* DeviceHere.look(input, root)).files
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
    if (damaged > 0) yield* output.note(`${Amount.count(damaged, "record")} could not be read, and left out.`)
    for (const entry of foreign) {
      yield* output.note(`In the cache folder lies "${entry.name}", which is not used (${entry.reason}).`)
    }
  }).pipe(Effect.scoped, withStored(input.state, policy))
})

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

/** Only an agent has peers. */
const showPeers = Effect.fnUntraced(function* (input: anAgent.Input, root: string, count: number, json: boolean) {
  const output = yield* Output
  const agent = yield* AgentHere.find(input, root)
  if (Option.isNone(agent)) {
    const sentence = "No agent runs on this folder, so nobody knows of peers; start one with piecework agent."
    return yield* new Failure({ sentence, code: exitCodes.noAgent })
  }
  const { files, peers: connected } = agent.value
  const [found, known] = yield* Effect.all([connected({ count }), files]).pipe(
    Effect.mapError(({ message }) => new Failure({ sentence: message, code: exitCodes.noAgent }))
  )
  yield* output.line(json ? JSON.stringify(found, null, 2) : PeersTable.render(found, known))
}, Effect.scoped)
