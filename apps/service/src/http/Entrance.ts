/**
 * Where every request comes in: how much its body may have, who sends it, and how often. Only then is any of it read. What is
 * refused here is answered with a status and one sentence, which never says why a token is not accepted.
 */
import { Caller } from "@piecework/cloud/Caller"
import { Admission, NotAdmitted } from "@piecework/trust/Admission"
import * as RouteRule from "@piecework/trust/RouteRule"
import { ByteSize, Effect, Option, Result } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { ConsoleDoor } from "../console/ConsoleDoor.ts"
import * as SessionCookie from "../console/SessionCookie.ts"
import * as HttpCaller from "./HttpCaller.ts"

/** With a door for the console, its paths are nothing to whoever comes another way. */
export const layer = (options: HttpCaller.Options, door?: ConsoleDoor) =>
  HttpRouter.middleware(
    Effect.map(Admission, (admission) => {
      const originOf = HttpCaller.originOf(options)
      return (httpEffect) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          const rule = RouteRule.of(pathOf(request.url))
          if (door !== undefined && isOfConsole(rule) && !door.has(request.source)) {
            return Effect.succeed(HttpServerResponse.empty({ status: 404 }))
          }
          const length = bodyOf(request, rule.maxBody)
          if (Result.isFailure(length)) return Effect.succeed(HttpServerResponse.empty({ status: length.failure }))
          const { headers } = request
          const origin = originOf(Option.getOrUndefined(request.remoteAddress), headers)
          const { baseUrl, externalIp, isPrivate } = origin
          const way = { isEncrypted: origin.isEncrypted, publicUrl: options.publicUrl }
          const session = rule.takesSession === true ? SessionCookie.of(headers, way) : undefined
          const authorization = headers["authorization"] ?? (session === undefined ? undefined : `Bearer ${session}`)
          const arrival = { rule, address: externalIp, isPrivate, authorization }
          return Effect.matchEffect(admission.admit(arrival), {
            onFailure: (error) => Effect.succeed(refusal(error)),
            onSuccess: (identity) => {
              const known = Effect.provideService(httpEffect, Caller, { baseUrl, externalIp, identity })
              return length.success === 0
                ? known
                : Effect.provideService(known, HttpIncomingMessage.MaxBodySize, ByteSize.bytes(rule.maxBody))
            }
          })
        })
    }),
    { global: true }
  )

const isOfConsole = ({ name }: RouteRule.RouteRule): boolean => name === "/" || name.startsWith("/console")

/** Of the HTTP server: milliseconds in which a request's head and the whole of it must have arrived. */
export const serverOptions = { headersTimeout: 10_000, requestTimeout: 20_000, maxHeaderSize: 16_384 }

const pathOf = (url: string): string => {
  const path = url.startsWith("/") ? url : url.replace(/^[^/]*\/\/[^/]*/, "")
  return path.split("?", 1)[0] ?? path
}

/** Bytes of the body, or the status for one that cannot be taken. */
const bodyOf = (
  { headers, method }: HttpServerRequest.HttpServerRequest,
  most: number
): Result.Result<number, 411 | 413> => {
  if (method === "GET" || method === "HEAD") return Result.succeed(0)
  const isEmpty = headers["content-length"] === undefined && headers["transfer-encoding"] === undefined
  if (method === "DELETE" && isEmpty) return Result.succeed(0)
  const length = Number(headers["content-length"] ?? Number.NaN)
  // Without a length nobody knows how much will come.
  if (!Number.isInteger(length) || length < 0) return Result.fail(411)
  return length > most ? Result.fail(413) : Result.succeed(length)
}

/** One answer for all that is refused for one reason, as RFC 6750 §3 has it. */
export const refusal = (error: NotAdmitted): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { error: error.message },
    {
      status: statuses[error.reason],
      headers: {
        ...(error.retryAfter === undefined ? {} : { "retry-after": String(error.retryAfter) }),
        ...(error.reason === "TokenWanted" ? { "www-authenticate": 'Bearer realm="piecework"' } : {}),
        ...(error.reason === "TokenRefused"
          ? { "www-authenticate": 'Bearer realm="piecework", error="invalid_token"' }
          : {})
      }
    }
  )

const statuses = {
  TokenWanted: 401,
  TokenRefused: 401,
  Overheard: 403,
  OperatorWanted: 403,
  TooMany: 429,
  Unavailable: 503
} as const satisfies { readonly [R in NotAdmitted["reason"]]: number }
