/**
 * The values that the contract's messages are made of. Whatever comes from the other side is bounded here, so a message
 * that decodes is small and holds no surprises.
 */
import { DownloadMode } from "@piecework/domain/DownloadMode"
import { Result, Schema } from "effect"
import { NetAddress } from "effect/net"

/** Text of at most `maximum` UTF-16 units. */
export const text = (maximum: number) => Schema.String.check(Schema.isMaxLength(maximum))

/** Where a service answers: an http or https URL without credentials or fragment. */
export const EndpointUrl = text(2048)
  .check(Schema.makeFilter((url) => isEndpoint(url) || "an http or https URL without credentials"))
  .pipe(Schema.brand("EndpointUrl"))
export type EndpointUrl = typeof EndpointUrl.Type

/** An IPv4 or IPv6 address as text, without brackets or zone. */
export const Ip = text(45).check(
  Schema.makeFilter((ip) => Result.isSuccess(NetAddress.ipFromString(ip)) || "an IP address")
)

/** ISO 3166-1, two capital letters. */
export const CountryCode = Schema.String.check(Schema.isPattern(/^[A-Z]{2}$/))

/** Name of a group of devices; a GUID is advised. It is a label, no secret. Source: spec.md §1, DOGroupId. */
export const GroupId = Schema.NonEmptyString.check(Schema.isMaxLength(128))

/** Version of the client's software, as text. `doClientVersion`. */
export const ClientVersion = text(64)

/** Grouping of clients for experiments. `eId`. */
export const ExperimentId = text(64)

/** Names of cache servers, separated by commas. `CacheHost`. */
export const CacheHost = text(1024)

/** Kind of device as a bit mask; see `Profile.ts`. */
export const ProfileBits = Schema.Natural.check(Schema.isLessThanOrEqualTo(0xffff))

/** Bytes, or bytes a second. */
export const Bytes = Schema.Natural

/** The modes in which a device has peers, and so joins a swarm. `Scope`. Source: spec.md §2.1. */
export const Scope = DownloadMode.pick(["Lan", "Group", "Internet"])
export type Scope = typeof Scope.Type

const isEndpoint = (candidate: string): boolean => {
  if (!URL.canParse(candidate)) return false
  const url = new URL(candidate)
  const http = url.protocol === "http:" || url.protocol === "https:"
  return http && url.username === "" && url.password === "" && url.hash === "" && !/\s/.test(candidate)
}
