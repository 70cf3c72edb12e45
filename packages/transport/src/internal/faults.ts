/** What the system says about a failed connection, in the words of `TransportError`. */
import { Cause, Effect } from "effect"
import { TransportError } from "../ByteStream.ts"

/** Source: errno(3), getaddrinfo(3) and "Errors" of Node's manual. */
const reasons: { readonly [code: string]: TransportError["reason"] } = {
  ECONNREFUSED: "Refused",
  ENOTFOUND: "Unresolved",
  EAI_AGAIN: "Unresolved",
  EAI_FAIL: "Unresolved",
  EAI_NODATA: "Unresolved",
  EAI_NONAME: "Unresolved",
  EHOSTUNREACH: "Unreachable",
  EHOSTDOWN: "Unreachable",
  ENETUNREACH: "Unreachable",
  ENETDOWN: "Unreachable",
  EADDRNOTAVAIL: "Unreachable",
  EINVAL: "Unreachable",
  ETIMEDOUT: "TimedOut",
  ECONNRESET: "Reset",
  ECONNABORTED: "Reset",
  EPIPE: "Closed",
  ENOTCONN: "Closed",
  ECANCELED: "Closed",
  ERR_STREAM_DESTROYED: "Closed",
  ERR_STREAM_WRITE_AFTER_END: "Closed",
  ERR_STREAM_PREMATURE_CLOSE: "Closed",
  ERR_SOCKET_CLOSED: "Closed",
  EADDRINUSE: "InUse",
  EACCES: "Denied",
  EPERM: "Denied",
  EPROTO: "TlsFailed",
  ERR_BARRED: "Barred",
  ERR_NOT_LET_THROUGH: "NotLetThrough"
}

/** The codes of OpenSSL's certificate checks and of Node's TLS have no common prefix but these. Source: as above. */
const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_(CA|PURPOSE)|HOSTNAME_MISMATCH|PATH_LENGTH_)/

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

export const errorOf = (
  operation: TransportError["operation"],
  address: string,
  cause: unknown,
  otherwise: TransportError["reason"] = "Failed"
): TransportError => {
  const code = codeOf(cause)
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined
  return new TransportError({
    operation,
    address,
    reason: reason ?? (tlsCode.test(code) ? "TlsFailed" : otherwise),
    cause
  })
}

export const closed = (operation: TransportError["operation"], address: string): TransportError =>
  new TransportError({ operation, address, reason: "Closed" })

/** Says so when a handler of connections dies, which nobody waits for. */
export const observed = <R>(address: string, handler: Effect.Effect<void, never, R>): Effect.Effect<void, never, R> =>
  Effect.tapCause(handler, (cause) =>
    Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.logError(`a connection accepted at ${address} died`, cause)
  )
