/** What a cache server says in its own name, in one sentence. */
import type { ServerResponse } from "node:http"
import { flat, type Header } from "@piecework/proxy/Headers"
import { hasBody } from "@piecework/proxy/Upstream"

/** By which clients see that it is a cache server's answer. Source: spec.md §7.1. */
export interface Marks {
  readonly ccc: string
  readonly cid: string
}

export const marks = ({ ccc, cid }: Marks): ReadonlyArray<Header> => [
  ["X-CCC", ccc],
  ["X-CID", cid]
]

/** Where an answer has begun already the connection is cut, so that nobody takes it for whole. */
export const send = (
  response: ServerResponse,
  status: number,
  sentence: string,
  own: Marks,
  more: ReadonlyArray<Header> = []
): void => {
  if (response.headersSent) return void response.destroy()
  const text = `${sentence}\n`
  // What follows the request's head is not read.
  if (hasBody(response.req)) response.shouldKeepAlive = false
  response.writeHead(
    status,
    flat([
      ["Content-Type", "text/plain; charset=utf-8"],
      ["Content-Length", String(Buffer.byteLength(text))],
      ["Cache-Control", "no-store"],
      ...more,
      ...marks(own)
    ])
  )
  response.end(text)
}

/** The same on a bare connection. */
export const raw = (status: number, reason: string, sentence: string, { ccc, cid }: Marks): string => {
  const text = `${sentence}\n`
  return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nX-CCC: ${ccc}\r\nX-CID: ${cid}\r\nConnection: close\r\n\r\n${text}`
}
