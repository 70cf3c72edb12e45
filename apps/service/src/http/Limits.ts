/** What a request may be at most, before any of it is read into memory. */
import { ByteSize, Effect } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

/** Bytes of a request's body; a join with every field at its longest has under 8 KiB. */
export const maxBody = 65_536

export const layer = HttpRouter.middleware(
  (httpEffect) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, method }) => {
      if (method !== "POST") return httpEffect
      const length = Number(headers["content-length"] ?? Number.NaN)
      // Without a length nobody knows how much will come.
      if (!Number.isInteger(length)) return Effect.succeed(HttpServerResponse.empty({ status: 411 }))
      if (length > maxBody) return Effect.succeed(HttpServerResponse.empty({ status: 413 }))
      return Effect.provideService(httpEffect, HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBody))
    }),
  { global: true }
)

/** Of the HTTP server: milliseconds in which a request's head and the whole of it must have arrived. */
export const serverOptions = { headersTimeout: 10_000, requestTimeout: 20_000, maxHeaderSize: 16_384 }
