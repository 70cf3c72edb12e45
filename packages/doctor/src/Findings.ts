/**
 * What was found out about a device, by whoever looks (`apps/client`). Each part is `undefined` when it could not be found out in
 * time. Nothing here is secret: no tokens, no queries of URLs.
 */
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import type { Verdict } from "@piecework/policy/Eligibility"
import type { Facts } from "@piecework/policy/Facts"
import type { Policy } from "@piecework/policy/Policy"

export interface Device {
  readonly facts: Facts
  /** What the rules say of having peers, and of sending to peers of the site and of the Internet: `download/Permission`'s. */
  readonly standing: { readonly peering: Verdict; readonly near: Verdict; readonly far: Verdict }
  /** Interfaces other than loopback that have an address. */
  readonly interfaces: ReadonlyArray<{ readonly name: string; readonly addresses: ReadonlyArray<string> }>
  /** Bytes sent to Internet peers in the month, like "2026-11". */
  readonly month: { readonly month: string; readonly sent: number }
  readonly node: { readonly version: string; readonly needed: string; readonly isEnough: boolean }
  /** Of the agent where one runs, else of this program; `undefined` where the system does not tell. */
  readonly openFiles: { readonly most: number; readonly used: number | undefined } | undefined
}

export interface Folder {
  readonly path: string
  /** Foreign: another user owns it and this one may not write. Full: it takes no new file for lack of room. */
  readonly is: "Usable" | "Missing" | "NoFolder" | "ReadOnly" | "Foreign" | "Denied" | "Full" | "Broken"
  /** The system's word for what is wrong. */
  readonly detail: string | undefined
}

/** Bytes, and numbers of files. */
export interface Disk {
  readonly holds: "state" | "cache"
  readonly total: number
  readonly free: number
  /** What the cache leaves free by its rules. */
  readonly leastFree: number
  /** Files that can still be made; `undefined` where the file system has no such limit. */
  readonly filesFree: number | undefined
}

export interface Storage {
  readonly state: Folder
  readonly cache: Folder
  /** What is wrong with the folder that DOModifyCacheDrive names, as a sentence. */
  readonly drive: string | undefined
  readonly disks: ReadonlyArray<Disk>
  /** Files of the state folder that cannot be read or understood. */
  readonly damaged: ReadonlyArray<{ readonly what: string; readonly why: string }>
}

export interface Settings {
  readonly policy: Policy
  readonly mode: DownloadMode
  /** Policy files that are there, or were named. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly flaw: string | undefined }>
  /** Each that names a group, the strongest first; `isValid` where it counts as one. */
  readonly groups: ReadonlyArray<{ readonly from: string; readonly id: string; readonly isValid: boolean }>
  /** 0 to 23, by the device's clock. */
  readonly hour: number
  /** What the line has been seen to carry, bytes a second. */
  readonly capacity: number | undefined
  /** Contents that the agent offers, and that wait for their turn; `undefined` when none runs. */
  readonly offers: { readonly offered: number; readonly waiting: number } | undefined
}

export type Agent =
  | { readonly _tag: "Runs"; readonly pid: number; readonly version: string; readonly peers: string | undefined }
  /** Its socket is there, and it does not answer. */
  | { readonly _tag: "Silent"; readonly socket: string }
  | { readonly _tag: "Denied"; readonly socket: string }
  | { readonly _tag: "None" }

export type Port =
  /** The agent has it, and answers there. */
  | { readonly _tag: "Listening"; readonly port: number }
  /** The agent says so, and nobody answers. */
  | { readonly _tag: "Deaf"; readonly port: number }
  /** The agent serves nobody. */
  | { readonly _tag: "Unused" }
  /** Nobody has it, and this program could listen there. */
  | { readonly _tag: "Free"; readonly port: number }
  | { readonly _tag: "Taken"; readonly port: number; readonly by: string | undefined }
  | { readonly _tag: "Refused"; readonly port: number; readonly why: string }

/** What came of the question whether others reach the port, asked of the service. */
export type Reach =
  | { readonly _tag: "Reached"; readonly address: string; readonly isSeen: boolean }
  | { readonly _tag: "Refused" | "Silent"; readonly address: string; readonly isOwn: boolean }
  /** The service sees an address that it does not dial. */
  | { readonly _tag: "NotTried"; readonly address: string }
  | { readonly _tag: "Untold"; readonly why: string }

/** What became of downloads of the last 15 days, by what they kept of it. Source of the span: spec.md §8.6. */
export interface Past {
  /** Of the latest download that was told of peers: how many, most that were connected at once, and what most dials failed with. */
  readonly peers: { readonly known: number; readonly connected: number; readonly why: string | undefined } | undefined
  readonly ended: number
  readonly failed: number
  /** What the latest failed with, as a sentence. */
  readonly why: string | undefined
  /** Errors in the log that do not pass by themselves, the most frequent first; `undefined` where there is no log that can be read. */
  readonly errors: ReadonlyArray<{ readonly what: string; readonly times: number }> | undefined
}

export interface Serving {
  readonly agent: Agent
  readonly port: Port
  /** `undefined` when there is no service, or nobody listens. */
  readonly reach: Reach | undefined
}

/** How the way to the service ends. */
export type Way =
  | { readonly _tag: "NoService" }
  | { readonly _tag: "Unresolved"; readonly host: string }
  | { readonly _tag: "Unreachable"; readonly at: string; readonly why: string }
  /** The proxy of the environment does not pass us on. */
  | { readonly _tag: "ProxyFails"; readonly why: string }
  | { readonly _tag: "Untrusted"; readonly certificate: Certificate; readonly date: number | undefined }
  /** A page for people, or a redirect, where the service should answer. */
  | { readonly _tag: "Portal"; readonly status: number; readonly leadsTo: string | undefined }
  | { readonly _tag: "Reached"; readonly date: number | undefined; readonly certificate: Certificate | undefined }

export interface Certificate {
  /** The check's word for what is wrong, such as CERT_HAS_EXPIRED; `undefined` when nothing is. */
  readonly flaw: string | undefined
  /** Epoch milliseconds. */
  readonly from: number
  readonly to: number
  readonly issuer: string
  readonly names: ReadonlyArray<string>
}

export type Role = "geo" | "kv" | "content-policy" | "discovery" | "array"

export interface RoleAnswer {
  readonly role: Role
  /** `undefined` when it answers as it should. */
  readonly error:
    | { readonly reason: string; readonly status: number | undefined; readonly sentence: string }
    | undefined
}

export interface Service {
  readonly url: string | undefined
  readonly way: Way
  /** The device's own time when `way` was found out; epoch milliseconds. */
  readonly now: number
  /** In the order of a client's calls; none after the first that another needs. */
  readonly roles: ReadonlyArray<RoleAnswer>
  /** What Geo said, asked twice over connections of their own. */
  readonly externalIps: ReadonlyArray<string>
  readonly ownAddresses: ReadonlyArray<string>
  /** The address by which this device goes to the service. */
  readonly leavesFrom: string | undefined
  /** Whether the service lies on this side of the site's line. */
  readonly isLocal: boolean
  /** The proxy that requests to the service go by. */
  readonly proxy: string | undefined
  readonly enrolment: { readonly device: string } | undefined
}

export interface Names {
  readonly hosts: ReadonlyArray<{ readonly host: string; readonly isFor: string; readonly why: string | undefined }>
}

export interface Ranges {
  /** Without its query; `undefined` when there is no file to try with. */
  readonly url: string | undefined
  readonly proxy: string | undefined
  readonly answer: RangeAnswer | undefined
  /** The same without the proxy, where that was worth a try. */
  readonly direct: RangeAnswer | undefined
}

export type RangeAnswer =
  | { readonly _tag: "Part" }
  /** 200, or a part that was not asked for. */
  | { readonly _tag: "Whole" }
  | { readonly _tag: "Page" }
  | { readonly _tag: "Status"; readonly status: number }
  | { readonly _tag: "Failed"; readonly why: string }

export interface CacheHost {
  readonly name: string
  /** Who named it, in words. */
  readonly by: string
  /** It was listed for this device, and not just found. */
  readonly isListed: boolean
  /** Why it is not used, if that is so. */
  readonly unused: string | undefined
  readonly bannedUntil: number | undefined
  /** Its health file. */
  readonly health:
    | { readonly _tag: "Answers" }
    | { readonly _tag: "Status"; readonly status: number }
    | { readonly _tag: "Failed"; readonly why: string }
  /** The status for the file that ranges are tried with; `undefined` without one. */
  readonly origin: number | undefined
}

export interface Lan {
  /** Whether peers are looked for on the local network at all. */
  readonly isUsed: boolean
  /** Whether a name that this device told was heard by itself. */
  readonly isHeard: boolean
  /** Other devices and cache servers that answered. */
  readonly neighbours: number
}

export interface Findings {
  readonly device: Device | undefined
  readonly storage: Storage | undefined
  readonly settings: Settings
  readonly serving: Serving | undefined
  readonly service: Service | undefined
  readonly names: Names | undefined
  readonly ranges: Ranges | undefined
  readonly caches: ReadonlyArray<CacheHost> | undefined
  readonly lan: Lan | undefined
  readonly past: Past | undefined
}
