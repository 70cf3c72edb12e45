/**
 * Who may ask the activity page for what. The page is for the user of this device alone, and whoever else can reach a port of the loopback is taken for
 * hostile: other users of the machine, web pages that are open in a browser, and names of the Internet that were made to lead here. So
 * a request has to come from this machine and by its own name, no other page may have sent it, and whatever tells or does something
 * needs the secret that only `piecework activity` hands out. It comes in a header, as a cookie would go to all ports of the machine.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"
import { BlockList, isIPv6 } from "node:net"
import { JobId } from "@piecework/client/JobView"
import { Option, Schema } from "effect"

export const actions = ["pause", "resume", "abort", "finalize"] as const
export type Action = (typeof actions)[number]

/** What a request that is let in asks for. */
export type Wish =
  | { readonly _tag: "File"; readonly name: string }
  | { readonly _tag: "Now" }
  | { readonly _tag: "Act"; readonly action: Action; readonly job: JobId }

export interface Refusal {
  readonly _tag: "Refused"
  readonly status: 401 | 403 | 404 | 405 | 413
  /** For people. */
  readonly sentence: string
}

export interface Request {
  readonly method: string
  /** What stands in the request line. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly remoteAddress: string | undefined
}

/** Where what tells or does something is. */
export const paths = { now: "/api/now", jobs: "/api/jobs/" } as const

/** How a page shows the secret. */
export const bearer = (secret: string): string => `Bearer ${secret}`

const refused = (status: Refusal["status"], sentence: string): Refusal => ({ _tag: "Refused", status, sentence })

/** `port` is where it listens; `secret` what `piecework activity` hands out. */
export const decide = (
  { headers, method, remoteAddress, target }: Request,
  { port, secret }: { readonly port: number; readonly secret: string }
): Wish | Refusal => {
  if (!isLoopback(remoteAddress)) return refused(403, "This page is for users of its own device.")
  const { host } = headers
  if (host === undefined || !isOwnName(host, port))
    return refused(403, "This page answers to the loopback's name only.")
  if (!isSameOrigin(headers, host)) return refused(403, "Another page may ask nothing here.")
  if (hasBody(headers)) return refused(413, "No request has a body here.")
  const [path = ""] = target.split("?", 1)
  if (!path.startsWith("/api/")) return file(method, path)
  if (!isSecret(headers.authorization, secret)) {
    return refused(401, "The secret of this page is missing or over; open it again with piecework activity.")
  }
  if (path === paths.now) return method === "GET" ? { _tag: "Now" } : refused(405, "This is only to be read.")
  const [id = "", word = "", more] = path.startsWith(paths.jobs) ? path.slice(paths.jobs.length).split("/") : []
  const job = Option.getOrUndefined(Schema.decodeUnknownOption(JobId)(id))
  const action = actions.find((one) => one === word)
  if (job === undefined || action === undefined || more !== undefined) return refused(404, "There is nothing here.")
  return method === "POST" ? { _tag: "Act", action, job } : refused(405, "A job is changed by POST.")
}

const file = (method: string, path: string): Wish | Refusal => {
  if (method !== "GET" && method !== "HEAD") return refused(405, "A file is only to be read.")
  // A name among those that were read at the start; nothing of it is ever used as a path.
  return { _tag: "File", name: path === "/" ? "activity.html" : path.slice(1) }
}

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")
loopback.addSubnet("::ffff:127.0.0.0", 104, "ipv6")

export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4")

/** Any other name is one that somebody else owns. Browsers leave out the port of HTTP. */
const isOwnName = (host: string, port: number): boolean => {
  const [, name, said = "80"] = /^(127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::(\d{1,5}))?$/i.exec(host) ?? []
  return name !== undefined && Number(said) === port
}

/** A browser says of all but plain navigations where they come from; programs say nothing of it. */
const isSameOrigin = (headers: IncomingHttpHeaders, host: string): boolean => {
  const site = headers["sec-fetch-site"]
  return (
    (headers.origin === undefined || headers.origin.toLowerCase() === `http://${host.toLowerCase()}`) &&
    (site === undefined || site === "same-origin" || site === "none")
  )
}

const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers["transfer-encoding"] !== undefined || !["0", undefined].includes(headers["content-length"])

const isSecret = (given: string | undefined, secret: string): boolean =>
  given !== undefined && timingSafeEqual(digest(given), digest(bearer(secret)))

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
