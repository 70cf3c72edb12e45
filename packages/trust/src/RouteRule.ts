/** What each route of the service takes, and from whom. Paths that nobody serves have the rule of the last line. */

import * as CacheNodeAdminRpcs from "@piecework/cloud/CacheNodeAdminRpcs"
import * as CacheNodeRpcs from "@piecework/cloud/CacheNodeRpcs"
import * as ConsoleSession from "@piecework/cloud/ConsoleSession"
import * as ContentAdminRpcs from "@piecework/cloud/ContentAdminRpcs"

/** Anybody: also who presents nothing. Device: whoever is known, once enrolment is required. Operator: nobody else. */
export type Wants = "Anybody" | "Device" | "Operator"

export interface RouteRule {
  /** For logs: a path as it came in may be anything. */
  readonly name: string
  readonly wants: Wants
  /** Most bytes of a request's body. */
  readonly maxBody: number
  /** An operator may be known by the session of its browser. Default no. */
  readonly takesSession?: boolean
}

const kibibyte = 1024

/** By the longest prefix that fits. Sizes: the largest request that the contract allows, with room for what is added to it. */
const rules: ReadonlyArray<readonly [prefix: string, rule: RouteRule]> = [
  ["/health", { name: "/health", wants: "Anybody", maxBody: 0 }],
  ["/ready", { name: "/ready", wants: "Anybody", maxBody: 0 }],
  // The page for operators, and what belongs to it.
  ["/console", { name: "/console", wants: "Anybody", maxBody: 0 }],
  // Who signs in or is signed in is looked at there.
  [ConsoleSession.path, { name: ConsoleSession.path, wants: "Anybody", maxBody: kibibyte }],
  ["/phf/", { name: "/phf", wants: "Device", maxBody: 0 }],
  ["/rpc/geo", { name: "/rpc/geo", wants: "Device", maxBody: 8 * kibibyte }],
  ["/rpc/geo/reach", { name: "/rpc/geo/reach", wants: "Device", maxBody: 1 * kibibyte }],
  ["/rpc/kv", { name: "/rpc/kv", wants: "Device", maxBody: 8 * kibibyte }],
  ["/rpc/cp", { name: "/rpc/cp", wants: "Device", maxBody: 16 * kibibyte }],
  ["/rpc/disc", { name: "/rpc/disc", wants: "Device", maxBody: 16 * kibibyte }],
  // Of which a bitfield of 262,144 pieces is 43 KiB.
  ["/rpc/array", { name: "/rpc/array", wants: "Device", maxBody: 64 * kibibyte }],
  ["/rpc/enrol", { name: "/rpc/enrol", wants: "Anybody", maxBody: 4 * kibibyte }],
  ["/rpc/node", { name: "/rpc/node", wants: "Device", maxBody: CacheNodeRpcs.maxBody }],
  [
    "/rpc/admin/nodes",
    { name: "/rpc/admin/nodes", wants: "Operator", maxBody: CacheNodeAdminRpcs.maxBody, takesSession: true }
  ],
  // Of which a pieces hash file may be the most.
  [
    "/rpc/admin/content",
    { name: "/rpc/admin/content", wants: "Operator", maxBody: ContentAdminRpcs.maxBody, takesSession: true }
  ],
  ["/rpc/admin/", { name: "/rpc/admin", wants: "Operator", maxBody: 64 * kibibyte, takesSession: true }]
]

/** Of the service's own address, where browsers of people come. */
const root: RouteRule = { name: "/", wants: "Anybody", maxBody: 0 }

const other: RouteRule = { name: "other", wants: "Device", maxBody: 64 * kibibyte }

/** The rule for the path of a request, without its query. */
export const of = (path: string): RouteRule => {
  if (path === "/") return root
  let best: RouteRule = other
  let length = 0
  for (const [prefix, rule] of rules) {
    if (prefix.length <= length || !path.startsWith(prefix)) continue
    const isWhole = prefix.endsWith("/") || path.length === prefix.length || path[prefix.length] === "/"
    if (isWhole) [best, length] = [rule, prefix.length]
  }
  return best
}

/** All of them, for who wants to go through them. */
export const all: ReadonlyArray<RouteRule> = [...rules.map(([, rule]) => rule), root, other]
