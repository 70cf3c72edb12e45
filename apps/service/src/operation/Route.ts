/** What a request is for, by its path: a role, or one of the few things beside. A closed set, so that it can name metrics. */
import { paths } from "@piecework/cloud/Role"
import { places, placedRoles, type RoleName } from "../role/RoleName.ts"

export type Route = RoleName | "admin" | "operation" | "other"

const exact = new Map<string, Route>([
  ["/health", "operation"],
  ["/ready", "operation"],
  ["/metrics", "operation"],
  ["/rpc/enrol", "admin"],
  // A role's own, and few beside the calls of devices.
  ["/rpc/node", "kv"]
])
for (const name of placedRoles) {
  const place = places[name]
  if (place !== "Metadata") exact.set(paths[place], name)
}

export const routeOf = (url: string): Route => {
  const end = url.indexOf("?")
  const whole = end === -1 ? url : url.slice(0, end)
  // Some clients end the path with a slash, which is the same to all who answer.
  const path = whole.length > 1 && whole.endsWith("/") ? whole.slice(0, -1) : whole
  const found = exact.get(path)
  if (found !== undefined) return found
  if (path.startsWith("/phf/")) return "metadata"
  if (path === "/console" || path.startsWith("/console/")) return "console"
  return path.startsWith("/rpc/admin/") ? "admin" : "other"
}
