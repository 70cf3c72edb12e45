/** What the proxy says in its own name. */
import type { ServerResponse } from "node:http"
import { hasBody } from "./Upstream.ts"

/** A sentence as plain text. Where an answer has begun already the connection is cut, so that nobody takes it for whole. */
export const send = (response: ServerResponse, status: number, sentence: string): void => {
  if (response.headersSent) return void response.destroy()
  const text = `${sentence}\n`
  // What follows the request's head is not read.
  if (hasBody(response.req)) response.shouldKeepAlive = false
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store"
  })
  response.end(text)
}

/** The same on a bare connection. */
export const raw = (status: number, reason: string, sentence: string): string => {
  const text = `${sentence}\n`
  return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`
}
