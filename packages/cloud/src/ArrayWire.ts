/**
 * The usual calls of the Array role, from the text of a request to a value and from a reply to text, without Schema: for
 * servers that answer very many. What the schemas of `ArrayRpcs` say holds; a test holds this module to them. Whatever is
 * unusual in a call (several at once, headers, an id that would need escapes, a field that is not as it should be) is
 * nothing to this module: then the way through the schemas has the word, for the value as for what is wrong with it.
 */
import type { PeerId } from "@piecework/domain/Peer"
import { Duration, Exit, Result, Schema } from "effect"
import { NetAddress } from "effect/net"
import { maxComplaints, maxFed, maxPeers, type JoinRequest, LeaveRequest } from "./ArrayRpcs.ts"
import { type LeaseReply, LeaseRequest } from "./LeaseRpc.ts"
import type { RequestRefused } from "./RoleError.ts"

/** One call, with the id that its answer has to name. */
export type Call =
  | { readonly id: string; readonly tag: "Join"; readonly request: JoinRequest }
  | { readonly id: string; readonly tag: "Leave"; readonly request: LeaveRequest }
  | { readonly id: string; readonly tag: "Lease"; readonly request: LeaseRequest }

export const decode = (text: string): Call | undefined => {
  const call = parse(text)
  if (!isRecord(call) || call["_tag"] !== "Request" || "isNotification" in call || "discard" in call) return undefined
  const { headers, id, payload, tag } = call
  if (!isMatch(id, plainId) || !Array.isArray(headers) || headers.length > 0) return undefined
  switch (tag) {
    case "Join":
      return isJoin(payload) ? { id, tag, request: payload } : undefined
    case "Leave": {
      const request = decodeLeave(payload)
      return Exit.isSuccess(request) ? { id, tag, request: request.value } : undefined
    }
    case "Lease": {
      const request = decodeLease(payload)
      return Exit.isSuccess(request) ? { id, tag, request: request.value } : undefined
    }
    default:
      return undefined
  }
}

/** `value` is JSON. */
export const success = (id: string, value: string): string =>
  `[{"_tag":"Exit","requestId":"${id}","exit":{"_tag":"Success","value":${value}}}]`

export const refusal = (id: string, { _tag, reason }: RequestRefused): string =>
  `[{"_tag":"Exit","requestId":"${id}","exit":{"_tag":"Failure","cause":[{"_tag":"Fail","error":${JSON.stringify({ _tag, reason })}}]}}]`

export const leaseReply = ({ again, runs }: LeaseReply): string =>
  JSON.stringify({ runs: runs.map(({ count, first }) => ({ first, count })), again: Duration.toMillis(again) })

/** Whether it is what a join is on the wire, which is what it is as a value. */
export const isJoin = (value: unknown): value is JoinRequest =>
  isRecord(value) &&
  isMatch(value["contentId"], contentId) &&
  isMatch(value["peerId"], peerId) &&
  isIp(value["reportedIp"]) &&
  isCount(value["port"], 65_535) &&
  value["port"] > 0 &&
  isCount(value["left"]) &&
  isOneOf(value["event"], events) &&
  isOneOf(value["scope"], scopes) &&
  isOneOf(value["restriction"], restrictions) &&
  typeof value["restrictedUpload"] === "boolean" &&
  isCount(value["peersWanted"], maxPeers) &&
  isCount(value["profile"], 0xffff) &&
  isCount(value["seq"]) &&
  typeof value["isBackground"] === "boolean" &&
  isDialect(value["dialect"]) &&
  isCount(value["uploaded"]) &&
  isCount(value["downloaded"]) &&
  isCount(value["downloadedCdn"]) &&
  isCount(value["downloadedCache"]) &&
  isCount(value["uploadedBps"]) &&
  isCount(value["downloadedBps"]) &&
  isAbsentOr(value, "altCatalogId", (url) => isText(url, 4096) && contentUrl.test(url)) &&
  isAbsentOr(value, "subnetMask", isIp) &&
  isAbsentOr(value, "ipv6", isIp) &&
  isAbsentOr(value, "givesNear", isBoolean) &&
  isAbsentOr(value, "groupId", (group) => isText(group, 128) && group !== "") &&
  isAbsentOr(value, "eId", (experiment) => isText(experiment, 64)) &&
  isAbsentOr(value, "complaints", isComplaints) &&
  isAbsentOr(value, "contentSize", isCount) &&
  isAbsentOr(value, "downloadedPeers", isFromPeers) &&
  isAbsentOr(value, "fedBy", isFedBy)

/** Texts that stand in JSON as they are. `effect/rpc` counts its requests. */
const plainId = /^[\w-]{1,64}$/
const contentId = /^DO-[A-Za-z0-9_-]{43}$/
const peerId = /^[0-9a-f]{40}$/
const contentUrl = /^https?:\/\/[^#]+$/
const events = ["Started", "Periodic", "Completed"]
const scopes = ["Lan", "Group", "Internet"]
const restrictions = ["None", "Subnet"]
const reasons = ["Unreachable", "Bad"]

const decodeLeave = Schema.decodeUnknownExit(Schema.toCodecJson(LeaveRequest))
const decodeLease = Schema.decodeUnknownExit(Schema.toCodecJson(LeaseRequest))

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // What is wrong with it says the way through the schemas.
    return undefined
  }
}

type Fields = { readonly [name: string]: unknown }

const isBoolean = (value: unknown): boolean => typeof value === "boolean"

const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isAbsentOr = (fields: Fields, name: string, is: (value: unknown) => boolean): boolean =>
  fields[name] === undefined ? true : is(fields[name])

const isText = (value: unknown, maximum: number): value is string =>
  typeof value === "string" && value.length <= maximum

const isMatch = (value: unknown, pattern: RegExp): value is string => typeof value === "string" && pattern.test(value)

const isCount = (value: unknown, maximum: number = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maximum

const isOneOf = (value: unknown, literals: ReadonlyArray<string>): boolean =>
  typeof value === "string" && literals.includes(value)

const isDialect = (value: unknown): boolean =>
  isRecord(value) &&
  isCount(value["major"]) &&
  isCount(value["minor"]) &&
  isCount(value["build"]) &&
  isCount(value["revision"])

const isComplaints = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length <= maxComplaints &&
  value.every(
    (one: unknown): one is { readonly peerId: PeerId } =>
      isRecord(one) && isMatch(one["peerId"], peerId) && isOneOf(one["reason"], reasons)
  )

const isFromPeers = (value: unknown): boolean =>
  isRecord(value) &&
  isCount(value["linkLocal"]) &&
  isCount(value["lan"]) &&
  isCount(value["group"]) &&
  isCount(value["internet"])

const isFedBy = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length <= maxFed &&
  value.every((one: unknown) => isRecord(one) && isMatch(one["peerId"], peerId) && isCount(one["bytes"]))

const isIp = (value: unknown): boolean =>
  isText(value, 45) && (isDotted(value) || Result.isSuccess(NetAddress.ipFromString(value)))

/** Four numbers from 0 to 255 without zeros before them: the IPv4 addresses that `NetAddress` takes, and nearly all there are. */
const isDotted = (text: string): boolean => dotted.test(text)
const dotted = /^(?:(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}$/
