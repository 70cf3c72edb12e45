/**
 * What the reverse form adds to an answer: redirects lead back through the proxy, so that a client stays inside. All origins have one name
 * to the client then, so nothing that a client keeps for a name may cross from one to another: cookies do not pass in either
 * direction, and a client that has shown credentials is sent to another origin directly, where it knows not to show them. Pure.
 */
import type { Header } from "./Headers.ts"
import type { Target } from "./Target.ts"

export const keptBack: { readonly request: ReadonlySet<string>; readonly answer: ReadonlySet<string> } = {
  request: new Set(["cookie"]),
  answer: new Set(["set-cookie", "strict-transport-security", "alt-svc"])
}

/** Where a redirect leads, as the client is told. */
export const locationOf = (location: string, target: Target, hasCredentials: boolean): string => {
  const base = `${target.protocol}//${target.authority}${target.path}`
  if (!URL.canParse(location, base)) return location
  const to = new URL(location, base)
  if (to.protocol !== "http:" && to.protocol !== "https:") return location
  const isElsewhere = to.origin !== new URL(base).origin
  // What could be read on the way must not be led to by what could not.
  const isDowngrade = target.protocol === "https:" && to.protocol === "http:"
  return (isElsewhere && hasCredentials) || isDowngrade ? to.href : `/${to.href}`
}

export const headersOf = (
  headers: ReadonlyArray<Header>,
  target: Target,
  hasCredentials: boolean
): ReadonlyArray<Header> =>
  headers.map(([name, value]) =>
    /^(?:content-)?location$/i.test(name) ? [name, locationOf(value, target, hasCredentials)] : [name, value]
  )
