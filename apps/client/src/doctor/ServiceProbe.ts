/** The service as this device meets it: the way there, each role in the order of a download's calls, and whether it reaches us back. */
import { networkInterfaces } from "node:os"
import { Cloud, CloudError } from "@piecework/cloud"
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import * as ReachRpcs from "@piecework/cloud/ReachRpcs"
import { LeaveRequest } from "@piecework/cloud/ArrayRpcs"
import type { KeyValueReply } from "@piecework/cloud/KeyValueRpcs"
import * as Enrolment from "@piecework/device/Enrolment"
import * as Layers from "@piecework/device/Layers"
import * as OwnAddress from "@piecework/device/OwnAddress"
import { ServiceTrust } from "@piecework/device/ServiceTrust"
import type * as Findings from "@piecework/doctor/Findings"
import { ContentId } from "@piecework/domain/Content"
import { PeerId } from "@piecework/domain/Peer"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import type { Policy } from "@piecework/policy/Policy"
import { Proxies } from "@piecework/sources"
import type { Failure } from "@piecework/terminal/Failure"
import { isLocal } from "@piecework/transport/LocalAddress"
import { Clock, Effect, Layer, Option, Result } from "effect"
import { version } from "../version.ts"
import type { Names } from "./NameProbe.ts"
import type { Door } from "./PortProbe.ts"
import * as WayProbe from "./WayProbe.ts"

export interface Question {
  readonly url: Option.Option<string>
  readonly serviceCa: Option.Option<string>
  readonly root: string
  readonly policy: Policy
  readonly group: string | undefined
  readonly names: Names
  readonly environment: NodeJS.ProcessEnv
}

export interface Found {
  readonly service: Findings.Service
  /** What KeyValue said, where it answered. */
  readonly said: KeyValueReply | undefined
}

/** No content is called so; what the roles say of it tells that they answer. */
const nothing = ContentId.make(`DO-${"A".repeat(43)}`)
/** A peer that nobody is. */
const nobody = PeerId.make("0".repeat(40))

export const look = Effect.fn("ServiceProbe.look")(function* (question: Question): Effect.fn.Return<Found, Failure> {
  const { environment, names, root } = question
  const now = yield* Clock.currentTimeMillis
  const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
  if (Option.isNone(question.url)) {
    return { said: undefined, service: { ...unreached(undefined, now, own), way: { _tag: "NoService" } } }
  }
  const url = question.url.value
  const { hostname } = new URL(url)
  const proxy = proxyFor(url, environment)
  const enrolment = yield* Effect.orElseSucceed(Enrolment.load(root, url), () => Option.none<Enrolment.Enrolment>())
  const base = {
    ...unreached(url, now, own),
    proxy,
    enrolment: Option.getOrUndefined(Option.map(enrolment, ({ device }) => ({ device })))
  }
  const ended = (way: Findings.Way): Found => ({ said: undefined, service: { ...base, way } })
  // Behind a proxy it is the proxy that looks names up.
  const address = proxy === undefined ? yield* names.resolve(hostname) : Result.succeed(hostname)
  if (Result.isFailure(address)) return ended({ _tag: "Unresolved", host: hostname })

  const trust = ServiceTrust.layerIn(root, { service: question.url, serviceCa: question.serviceCa })
  const { certificates } = yield* Effect.provide(ServiceTrust, trust)
  const knocked = yield* Effect.result(WayProbe.knock(url, certificates, environment))
  const at = yield* Clock.currentTimeMillis
  if (Result.isFailure(knocked)) {
    const why = words[knocked.failure.code] ?? knocked.failure.code
    return ended(
      proxy === undefined ? { _tag: "Unreachable", at: new URL(url).host, why } : { _tag: "ProxyFails", why }
    )
  }
  const { certificate, date, isPage, leadsTo, status } = knocked.success
  if (proxy !== undefined && status === 407) return ended({ _tag: "ProxyFails", why: "it wants a login (HTTP 407)" })
  if (certificate?.flaw !== undefined) {
    return { said: undefined, service: { ...base, now: at, way: { _tag: "Untrusted", certificate, date } } }
  }
  const asked = yield* ask(question, url, trust)
  const isStranger = asked.roles[0]?.error?.reason === "Unintelligible" || asked.roles[0]?.error?.reason === "Refused"
  if (isStranger && (isPage || status === 511 || (status >= 300 && status < 400))) {
    return ended({ _tag: "Portal", status, leadsTo })
  }
  // What a proxy says in place of the service is its own trouble.
  if (proxy !== undefined && asked.said === undefined && status >= 502 && status <= 504) {
    return ended({ _tag: "ProxyFails", why: `it answers ${status}` })
  }
  const leavesFrom = yield* OwnAddress.towards(url)
  return {
    said: asked.said,
    service: {
      ...base,
      now: at,
      way: { _tag: "Reached", date, certificate },
      roles: asked.roles,
      externalIps: asked.externalIps,
      leavesFrom,
      isLocal: isLocal(address.success) === true
    }
  }
})

const unreached = (url: string | undefined, now: number, ownAddresses: ReadonlyArray<string>): Findings.Service => ({
  url,
  way: { _tag: "NoService" },
  now,
  roles: [],
  externalIps: [],
  ownAddresses,
  leavesFrom: undefined,
  isLocal: false,
  proxy: undefined,
  enrolment: undefined
})

/** As people are told of it: without what proves who we are. */
export const proxyFor = (url: string, environment: NodeJS.ProcessEnv): string | undefined => {
  const proxy = Proxies.fromEnvironment(environment)(new URL(url))
  return proxy === undefined || "wrong" in proxy ? undefined : `${proxy.host}:${proxy.port}`
}

/** Source: errno(3). */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody accepts connections",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "there is no route",
  ENETUNREACH: "there is no route",
  ECONNRESET: "the connection was broken off",
  EPROTO: "it does not speak HTTPS"
}

type Trust = Layer.Layer<ServiceTrust, Failure>

/** A service of its own connections: who asks by another one may be seen at another address. */
const cloudOf = ({ environment, group, policy }: Question, url: string, trust: Trust) =>
  Layer.fresh(
    Layers.services(url, {
      group,
      serviceKeys: [],
      policy: { ...LivePolicy.constant(policy), keepUp: Effect.never, hear: () => Effect.void },
      environment,
      version
    })
  ).pipe(Layer.provide(trust))

const errorOf = ({ message, reason, status }: CloudError.CloudError) => ({ reason, status, sentence: message })

const ask = Effect.fnUntraced(function* (question: Question, url: string, trust: Trust) {
  const roles: Array<Findings.RoleAnswer> = []
  const heard = <A>(role: Findings.Role, call: Effect.Effect<A, CloudError.CloudError>) =>
    Effect.map(Effect.result(call), (found) => {
      roles.push({ role, error: Result.isFailure(found) ? errorOf(found.failure) : undefined })
      return Option.getOrUndefined(Result.getSuccess(found))
    })
  const again = Cloud.Cloud.use(({ geo }) => geo).pipe(
    Effect.provide(cloudOf(question, url, trust)),
    Effect.map(({ externalIp }) => [externalIp]),
    Effect.catchTag("CloudError", () => Effect.succeed<ReadonlyArray<string>>([]))
  )
  const calls = Effect.gen(function* () {
    const cloud = yield* Cloud.Cloud
    const geo = yield* heard("geo", cloud.geo)
    if (geo === undefined) return { externalIps: [], said: undefined }
    const [other, keyValue] = yield* Effect.all([again, heard("kv", cloud.keyValue(geo))], { concurrency: 2 })
    const externalIps = [geo.externalIp, ...other]
    if (keyValue === undefined) return { externalIps, said: undefined }
    const known = { geo, keyValue }
    const [, arrays] = yield* Effect.all(
      [heard("content-policy", cloud.check(known, [nothing])), heard("discovery", cloud.discover(known, nothing))],
      { concurrency: 2 }
    )
    const [array] = arrays ?? []
    if (array !== undefined) {
      yield* heard("array", cloud.leave(array.url, new LeaveRequest({ contentId: nothing, peerId: nobody })))
    }
    return { externalIps, said: keyValue }
  })
  const { externalIps, said } = yield* Effect.provide(calls, cloudOf(question, url, trust))
  return { roles, externalIps, said }
})

/** Asks the service to try the port. */
export const reach = Effect.fn("ServiceProbe.reach")(function* (
  question: Question,
  door: Door
): Effect.fn.Return<Findings.Reach | undefined, Failure> {
  const { port } = door
  if (Option.isNone(question.url) || (port._tag !== "Listening" && port._tag !== "Free")) return undefined
  const url = question.url.value
  if (port.port < 1024) return { _tag: "Untold", why: `the service does not dial ports below 1024, as ${port.port} is` }
  const trust = ServiceTrust.layerIn(question.root, { service: question.url, serviceCa: question.serviceCa })
  const { certificates, credential } = yield* Effect.provide(ServiceTrust, trust)
  const before = door.came?.() ?? 0
  const call = HttpRpc.call(ReachRpcs.ReachRpcs, {
    url: url.replace(/\/+$/, "") + ReachRpcs.path,
    token: credential,
    timeout: "4 seconds"
  })((client) => client.Reach(new ReachRpcs.ReachRequest({ clientVersion: version, port: port.port })))
  const answer = yield* Effect.result(Effect.provide(call, Layers.nodeHttp(certificates, question.environment)))
  if (Result.isFailure(answer)) {
    const error = answer.failure
    if (error._tag === "RequestRefused")
      return { _tag: "Untold", why: "the service was asked too often; try again in a minute" }
    return {
      _tag: "Untold",
      why: error.status === 404 ? "the service is of a version that cannot try" : "the service did not say"
    }
  }
  const { address, outcome } = answer.success
  // The kernel completes a connection before this program hears of it.
  yield* Effect.sleep("50 millis")
  const isSeen = door.came === undefined || door.came() > before
  const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address))
  switch (outcome) {
    case "Reachable":
      return { _tag: "Reached", address, isSeen }
    case "NotTried":
      return { _tag: "NotTried", address }
    case "Refused":
    case "Silent":
      return { _tag: outcome, address, isOwn: own.includes(address) }
  }
})
