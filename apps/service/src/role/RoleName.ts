/** The roles by the names that an operator gives them, and which of them tell callers about which others. */
import { EndpointUrl } from "@piecework/cloud/Fields"
import type { Place, RoleUrls } from "@piecework/cloud/RoleUrls"
import { Option, Schema } from "effect"

/** Each name with what the contract calls it, in the order of a client's calls. */
export const places = {
  geo: "Geo",
  kv: "KeyValue",
  "content-policy": "ContentPolicy",
  metadata: "Metadata",
  discovery: "Discovery",
  array: "Array",
  reports: "Reports"
} as const satisfies { readonly [name: string]: Place }

/** A role that callers are told of. */
export type PlacedRole = keyof typeof places

/** The console is for people, who know where it is. */
export type RoleName = PlacedRole | "console"

export const placedRoles = Object.keys(places) as ReadonlyArray<PlacedRole>

export const roleNames: ReadonlyArray<RoleName> = [...placedRoles, "console"]

const isPlacedRole = (text: string): text is PlacedRole => Object.hasOwn(places, text)

const isRoleName = (text: string): text is RoleName => text === "console" || isPlacedRole(text)

/** Whom a role names in its answers. Source: spec.md §4. */
const tellsOf: { readonly [N in RoleName]?: ReadonlyArray<PlacedRole> } = {
  geo: ["kv"],
  kv: ["content-policy", "discovery"],
  "content-policy": ["metadata"],
  discovery: ["array"]
}

/** Where one role is, as the operator said it. */
export interface RoleUrl {
  readonly role: PlacedRole
  /** Without a slash at the end. */
  readonly url: string
}

export const urlsOf = (told: ReadonlyArray<RoleUrl>): RoleUrls => {
  const urls: { [P in Place]?: readonly [string, ...ReadonlyArray<string>] } = {}
  for (const { role, url } of told) {
    const before = urls[places[role]]
    urls[places[role]] = before === undefined ? [url] : [...before, url]
  }
  return urls
}

/** Roles that the process must tell of, and neither has nor was told the place of. */
export const missing = (roles: ReadonlyArray<RoleName>, told: ReadonlyArray<RoleUrl>): ReadonlyArray<PlacedRole> =>
  placedRoles.filter(
    (name) =>
      !roles.includes(name) &&
      !told.some(({ role }) => role === name) &&
      roles.some((role) => tellsOf[role]?.includes(name) === true)
  )

/** "geo,kv": each role once, in the order of a client's calls. */
export const rolesIn = (text: string): Option.Option<readonly [RoleName, ...ReadonlyArray<RoleName>]> => {
  const names = new Set(text.split(",").map((name) => name.trim()))
  const [first, ...others] = roleNames.filter((name) => names.has(name))
  return first === undefined || ![...names].every(isRoleName) ? Option.none() : Option.some([first, ...others])
}

/** "kv=https://kv.example". */
export const roleUrlIn = (text: string): Option.Option<RoleUrl> => {
  const [role = "", ...rest] = text.split("=")
  const url = rest.join("=").replace(/\/+$/, "")
  return isPlacedRole(role) && isEndpoint(url) && !url.includes("?") ? Option.some({ role, url }) : Option.none()
}

const isEndpoint = Schema.is(EndpointUrl)
