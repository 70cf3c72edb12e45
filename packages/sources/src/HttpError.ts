/** Why a request got no answer, or only a part of one. An answer with any status is no error here. */
import { Schema } from "effect"

export class HttpError extends Schema.TaggedError<HttpError>()("HttpError", {
  url: Schema.String,
  reason: Schema.Literals([
    /** No connection came about. */
    "Unreachable",
    /** The certificate, its name or the protocol of the secure connection is wrong. */
    "TlsFailed",
    /** No connection, or no head of an answer, in time. */
    "TimedOut",
    /** No byte of the body for too long. */
    "Stalled",
    /** The connection broke. */
    "Closed",
    /** The body ended early. */
    "Truncated",
    /** The answer is not what HTTP/1.1 allows. */
    "BadResponse",
    /** The answer is encoded, though only plain bytes were asked for. */
    "Encoded",
    /** A redirect leads from https to http. */
    "InsecureRedirect",
    "TooManyRedirects",
    /** A redirect leads nowhere, or to something that is no http or https URL. */
    "BadRedirect",
    /** A redirect leads to an address where only this device, or its own link, should ask; see `ReservedAddress`. */
    "ForbiddenRedirect",
    /** The proxy wants to know who we are (407). */
    "ProxyLogin",
    /** The proxy cannot be reached or used, or does not let us through. */
    "ProxyFailed",
    /** A header that was to be sent is not allowed. */
    "BadRequest"
  ]),
  /** What exactly is wrong with the request or the answer. */
  detail: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const { url } = this
    const detail = this.detail === undefined ? "" : `: ${this.detail}`
    switch (this.reason) {
      case "Unreachable":
        return `The server of ${url} cannot be reached${because(this.cause)}.`
      case "TlsFailed":
        return `The server of ${url} could not prove who it is${because(this.cause)}.`
      case "TimedOut":
        return `The server of ${url} did not answer in time.`
      case "Stalled":
        return `The server of ${url} stopped sending.`
      case "Closed":
        return `The connection to the server of ${url} broke${because(this.cause)}.`
      case "Truncated":
        return `The answer from ${url} ended before it was whole.`
      case "BadResponse":
        return `The answer from ${url} is not valid HTTP${detail}.`
      case "Encoded":
        return `The server of ${url} sends encoded bytes${detail}; only plain ones can be checked.`
      case "InsecureRedirect":
        return `The server of ${url} redirects to an address without encryption; allow that, or use another URL.`
      case "TooManyRedirects":
        return `The server of ${url} redirects again and again.`
      case "BadRedirect":
        return `The server of ${url} redirects to something that cannot be fetched${detail}.`
      case "ForbiddenRedirect":
        return `The server of ${url} redirects to an address of this device or of its own link${detail}; give that URL itself if it is meant.`
      case "ProxyLogin":
        return `The proxy on the way to ${url} wants a login (HTTP 407); give it in the proxy's variable, like http://user:password@host:port.`
      case "ProxyFailed":
        return `The proxy on the way to ${url} is of no use${detail}${because(this.cause)}.`
      case "BadRequest":
        return `The request to ${url} cannot be sent${detail}.`
    }
  }
}

const because = (cause: unknown): string => (cause instanceof Error ? ` (${cause.message.replace(/\.$/, "")})` : "")
