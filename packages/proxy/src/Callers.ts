/**
 * Who may use the proxy. Programs of this device, unless it was told to listen to others. A web page may not: it cannot make a browser
 * send whole URLs, but it can have it ask for `http://127.0.0.1:7681/http://intranet/`, and by a name that it leads here
 * even read the answer. Browsers say where such a request comes from, and by which name.
 */
import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"
import { hostname } from "node:os"
import { isLoopback } from "./Destination.ts"

export const isOfThisDevice = ({ socket }: Pick<IncomingMessage, "socket">): boolean =>
  isLoopback(socket.remoteAddress ?? "")

/** Whether a request in the reverse form was made by a page, or in the name of one. */
export const isFromPage = ({ headers }: Pick<IncomingMessage, "headers">): boolean => {
  if (headers.origin !== undefined) return true
  // "none" is what a person typed or chose.
  const site = headers["sec-fetch-site"]
  return site !== undefined && site !== "none"
}

/** Whether it asks by an address, or by a name that is this device's own: a page can lead any other name here. */
export const isByOwnName = ({ headers: { host } }: Pick<IncomingMessage, "headers">): boolean => {
  if (host === undefined) return true
  if (!URL.canParse(`http://${host}`)) return false
  const name = new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, "$1")
  return isIP(name) !== 0 || name === "localhost" || name === hostname().toLowerCase()
}
