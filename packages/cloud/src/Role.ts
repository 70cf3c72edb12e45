/** The cloud services, in the order of a client's calls, and where each lives under a service's URL. Source: spec.md §4. */
import { Schema } from "effect"

export const Role = Schema.Literals(["Geo", "KeyValue", "ContentPolicy", "Discovery", "Array", "Reports"])
export type Role = typeof Role.Type

/** Path of each role's RPCs when all roles share one port. */
export const paths = {
  Geo: "/rpc/geo",
  KeyValue: "/rpc/kv",
  ContentPolicy: "/rpc/cp",
  Discovery: "/rpc/disc",
  Array: "/rpc/array",
  Reports: "/rpc/reports"
} as const satisfies { readonly [R in Role]: `/${string}` }

/** Path of a content's pieces hash file, a plain HTTP resource with ranges. */
export const phfPath = (contentId: string): `/${string}` => `/phf/${contentId}`
