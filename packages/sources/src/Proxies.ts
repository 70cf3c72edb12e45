/**
 * The proxies of the environment, read as curl reads them: `http_proxy`, `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`, and
 * `no_proxy`, `NO_PROXY` for who is reached without one. `HTTP_PROXY` is ignored as curl does: where a program runs as a CGI script, that
 * variable is the request header "Proxy" of whoever asks. Source: curl(1), "ENVIRONMENT"; CVE-2016-5385.
 */
import { BlockList, isIP } from "node:net"

export interface Proxy {
  /** Name or address, without brackets. */
  readonly host: string
  readonly port: number
  /** What proves to it who we are, from the user part of its URL; the value of `Proxy-Authorization`. */
  readonly authorization: string | undefined
}

/** The proxy for a URL, `undefined` where there is none; or what is wrong with the variable that names one, in words without the value. */
export type Proxies = (url: URL) => Proxy | undefined | { readonly wrong: string }

export const none: Proxies = () => undefined

/** Source: curl's manual. */
const usualPort = 1080

type Environment = Readonly<Record<string, string | undefined>>

export const fromEnvironment = (environment: Environment): Proxies => {
  const given = (...names: ReadonlyArray<string>): Named | undefined => {
    for (const name of names) {
      const value = environment[name]
      if (value !== undefined && value !== "") return { name, proxy: parse(value) }
    }
    return undefined
  }
  const all = given("all_proxy", "ALL_PROXY")
  const http = given("http_proxy") ?? all
  const https = given("https_proxy", "HTTPS_PROXY") ?? all
  if (http === undefined && https === undefined) return none
  const isExcepted = exceptions(environment["no_proxy"] ?? environment["NO_PROXY"] ?? "")
  return (url) => {
    const named = url.protocol === "https:" ? https : http
    if (named === undefined || isExcepted(url.hostname)) return undefined
    return typeof named.proxy === "string" ? { wrong: `${named.name} ${named.proxy}` } : named.proxy
  }
}

/**
 * The same variables as Node's own HTTP client takes them, which would read `HTTP_PROXY` as well and does not know `all_proxy`; those
 * that name no proxy are left out, since it would refuse to start.
 */
export const forNode = (environment: Environment): Record<"http_proxy" | "https_proxy" | "no_proxy", string> => {
  const named = (...names: ReadonlyArray<string>): string => {
    const value = names.map((name) => environment[name] ?? "").find((one) => one !== "") ?? ""
    if (value === "" || typeof parse(value) === "string") return ""
    return value.includes("://") ? value : `http://${value}`
  }
  return {
    http_proxy: named("http_proxy", "all_proxy", "ALL_PROXY"),
    https_proxy: named("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    no_proxy: environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
  }
}

interface Named {
  readonly name: string
  readonly proxy: Proxy | string
}

/** The proxy of a value like "http://user:password@host:port" or "host:port", or what is wrong with it. */
export const parse = (value: string): Proxy | string => {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  if (!URL.canParse(text)) return "is no URL of a proxy"
  const url = new URL(text)
  if (url.protocol !== "http:")
    return `names a proxy of a kind that is not supported (${url.protocol}//); give one with http://`
  // The port 80 is left out of what URL answers, and is not curl's for a proxy that names none.
  const port = url.port !== "" ? Number(url.port) : /:0*80(?:[/?#]|$)/.test(text.slice(7)) ? 80 : usualPort
  const login = decoded(`${url.username}:${url.password}`)
  if (login === undefined) return "has a user or a password that is not written as in URLs"
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    authorization: login === ":" ? undefined : `Basic ${Buffer.from(login, "utf8").toString("base64")}`
  }
}

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Most entries of `no_proxy` that are read. */
const mostExceptions = 1000

/** Whether a host, as URLs write it, is reached without a proxy: names with all below them, addresses, and networks like 10.0.0.0/8; `*` is all. */
const exceptions = (value: string): ((host: string) => boolean) => {
  const names: Array<string> = []
  const networks = new BlockList()
  for (const entry of value.split(/[\s,]+/, mostExceptions)) {
    if (entry === "*") return () => true
    const [address = "", bits] = entry.replace(/^\[([^\]]*)\]/, "$1").split("/")
    const version = isIP(address)
    if (version === 0) {
      const name = entry.toLowerCase().replace(/^\./, "").replace(/\.$/, "")
      if (name !== "") names.push(name)
      continue
    }
    const family = version === 4 ? "ipv4" : "ipv6"
    const most = version === 4 ? 32 : 128
    if (bits === undefined) networks.addAddress(address, family)
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= most) networks.addSubnet(address, Number(bits), family)
  }
  return (written) => {
    const host = written
      .replace(/^\[(.*)\]$/, "$1")
      .toLowerCase()
      .replace(/\.$/, "")
    const version = isIP(host)
    if (version !== 0) return networks.check(host, version === 4 ? "ipv4" : "ipv6")
    return names.some((name) => host === name || host.endsWith(`.${name}`))
  }
}
