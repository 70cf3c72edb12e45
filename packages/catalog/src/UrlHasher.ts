/**
 * Hashes a content where its origin has it: read once from its first byte to its last, kept nowhere. Whether it stayed the
 * same meanwhile is asked afterwards: the origin must still announce the length that came, and the same validators.
 * Whoever may name URLs must not get at what trusts the service's machine, so link-local addresses, where clouds hand out
 * the keys of their machines, are never asked; origins on this machine and in private networks are.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as Digests from "@piecework/domain/Digest"
import { PieceLayout, standardPieceSize } from "@piecework/domain/PieceLayout"
import * as Phf from "@piecework/hashing/Phf"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { type GetOptions, HttpClient, type HttpResponse } from "@piecework/sources/HttpClient"
import type { HttpError } from "@piecework/sources/HttpError"
import { Effect, Fiber, Schema } from "effect"

export class UrlHashError extends Schema.TaggedError<UrlHashError>()("UrlHashError", {
  url: Schema.String,
  reason: Schema.Literals([
    /** No answer, or one that broke off. */
    "Unreachable",
    /** The origin answered with another status than 200. */
    "Refused",
    /** It is at a link-local address, or leads to one, or from elsewhere to this machine; see `ReservedAddress`. */
    "Forbidden",
    /** More bytes than are allowed, or more pieces than can be described. */
    "TooLarge",
    /** The origin announces another length than what it sent. */
    "WrongLength",
    /** The origin has other bytes there than when it was begun. */
    "Changed",
    "Failed"
  ]),
  status: Schema.optionalKey(Schema.Int),
  /** The host that is not asked, where the URL leads there. */
  leadsTo: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const because = this.cause instanceof Error ? ` ${this.cause.message}` : ""
    switch (this.reason) {
      case "Unreachable":
        return `${this.url} could not be read to its end.${because}`
      case "Refused":
        return `The origin of ${this.url} answers with HTTP ${this.status ?? "?"}; it must give the file to be published.`
      case "Forbidden":
        return this.leadsTo === undefined
          ? `${this.url} is at a link-local address, or at that of a cloud's metadata service, which is never read.`
          : `${this.url} redirects to ${this.leadsTo}, which is at a link-local address or on this machine and is not read.`
      case "TooLarge":
        return `${this.url} is larger than may be hashed.`
      case "WrongLength":
        return `The origin of ${this.url} announces another length than it sends.`
      case "Changed":
        return `${this.url} changed while it was read; try again when nobody writes to it.`
      case "Failed":
        return `${this.url} could not be hashed.${because}`
    }
  }
}

/** What an origin says of the bytes at a URL, as far as it says it. */
export interface Validators {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

export interface Hashed {
  readonly phf: Phf.Phf
  readonly validators: Validators
}

export interface Options {
  /** More bytes than this are `TooLarge`. Default: as many as have a pieces hash file. */
  readonly maxBytes?: number
  /** Called after each piece with the bytes hashed so far, and the length if the origin announced it. */
  readonly onProgress?: (hashed: number, total: number | undefined) => void
}

/** The content at the URL and what its origin said of it. Takes two pieces of memory. */
export const hash = Effect.fn("UrlHasher.hash")(function* (
  url: ContentUrl,
  options: Options = {}
): Effect.fn.Return<Hashed, UrlHashError, HttpClient | PieceHasher> {
  const { digests, response, size } = yield* Effect.scoped(readAll(url, options))
  const before = validatorsOf(response)
  const after = yield* Effect.scoped(announced(url))
  if (!isSame(before, after.validators)) return yield* new UrlHashError({ url, reason: "Changed" })
  if (after.size !== undefined && after.size !== size) return yield* new UrlHashError({ url, reason: "WrongLength" })
  return { phf: Phf.make({ contentSize: size, digests }), validators: before }
})

/**
 * Whether the origin still has there what it had: by its word, if it gives validators; else nobody knows. `Gone` when it has
 * nothing there any more. Fails when it does not say.
 */
export const look = Effect.fn("UrlHasher.look")(function* (
  url: ContentUrl,
  known: { readonly validators: Validators; readonly size: number }
): Effect.fn.Return<"Same" | "Changed" | "Gone", UrlHashError, HttpClient> {
  const { etag, lastModified } = known.validators
  if (etag === undefined && lastModified === undefined) return "Changed"
  const condition = etag === undefined ? { ifModifiedSince: lastModified } : { ifNoneMatch: etag }
  const response = yield* Effect.scoped(get(url, { range: { start: 0, end: 0 }, ...condition }))
  switch (response.status) {
    case 304:
      return "Same"
    case 404:
    case 410:
      return "Gone"
    case 200:
    case 206: {
      const size = response.status === 206 ? response.contentRange?.total : response.contentLength
      const isSized = size === undefined || size === known.size
      const now = validatorsOf(response)
      return isSized && now.etag === etag && now.lastModified === lastModified ? "Same" : "Changed"
    }
    default:
      return yield* new UrlHashError({ url, reason: "Refused", status: response.status })
  }
})

const readAll = Effect.fnUntraced(function* (url: ContentUrl, { maxBytes = Infinity, onProgress }: Options) {
  const hasher = yield* PieceHasher
  const response = yield* get(url)
  const { body, contentLength, status } = response
  if (status !== 200) return yield* new UrlHashError({ url, reason: "Refused", status })
  const tooLarge = (size: number) => {
    const layout = new PieceLayout({ contentSize: size, pieceSize: standardPieceSize })
    return size > maxBytes || !Phf.canHold(layout)
  }
  if (contentLength !== undefined && tooLarge(contentLength))
    return yield* new UrlHashError({ url, reason: "TooLarge" })

  const digests: Array<Digests.Digest> = []
  // While one is hashed the other is filled.
  const buffers = [new SharedArrayBuffer(standardPieceSize), new SharedArrayBuffer(standardPieceSize)] as const
  let hashing: Fiber.Fiber<void, UrlHashError> | undefined
  let size = 0
  while (true) {
    const buffer = new Uint8Array(buffers[digests.length % 2 === 0 ? 0 : 1])
    const filled = yield* Effect.mapError(body.fill(buffer), unreachable(url))
    if (hashing !== undefined) yield* Fiber.join(hashing)
    if (filled === 0) break
    size += filled
    if (tooLarge(size)) return yield* new UrlHashError({ url, reason: "TooLarge" })
    const place = digests.length
    digests.push(new Uint8Array(Digests.length) as Digests.Digest)
    hashing = yield* hasher.digest(buffer.subarray(0, filled)).pipe(
      Effect.map((digest) => void (digests[place] = digest)),
      Effect.mapError((cause) => new UrlHashError({ url, reason: "Failed", cause })),
      Effect.forkScoped
    )
    onProgress?.(size, contentLength)
    if (filled < buffer.length) {
      yield* Fiber.join(hashing)
      break
    }
  }
  if (contentLength !== undefined && contentLength !== size) {
    return yield* new UrlHashError({ url, reason: "WrongLength" })
  }
  return { digests: new Uint8Array(Buffer.concat(digests)), response, size }
})

/** What the origin says now, of which no more than a byte is read. */
const announced = Effect.fnUntraced(function* (url: ContentUrl) {
  const response = yield* get(url, { range: { start: 0, end: 0 } })
  const { contentLength, contentRange, status } = response
  // Of an empty file there is no first byte.
  const total = /^bytes \*\/(\d{1,15})$/.exec(response.headers.get("content-range") ?? "")?.[1]
  switch (status) {
    case 200:
      return { size: contentLength, validators: validatorsOf(response) }
    case 206:
      return { size: contentRange?.total, validators: validatorsOf(response) }
    case 416:
      return { size: total === undefined ? undefined : Number(total), validators: validatorsOf(response) }
    default:
      return yield* new UrlHashError({ url, reason: "Changed" })
  }
})

const get = Effect.fnUntraced(function* (url: ContentUrl, options?: Omit<GetOptions, "url">) {
  const http = yield* HttpClient
  const answer = http.get({ url, ...options, way: { isOffLink: true } })
  return yield* Effect.mapError(answer, (error) =>
    error.reason === "ForbiddenRedirect" ? forbidden(url, error) : unreachable(url)(error)
  )
})

const unreachable = (url: ContentUrl) => (cause: HttpError) => new UrlHashError({ url, reason: "Unreachable", cause })

const forbidden = (url: ContentUrl, error: HttpError) =>
  new UrlHashError({ url, reason: "Forbidden", ...(error.url === url ? {} : { leadsTo: new URL(error.url).host }) })

const validatorsOf = ({ headers }: HttpResponse): Validators => ({
  etag: headers.get("etag"),
  lastModified: headers.get("last-modified")
})

/** An answer that says it of one and not of the other is no sign of a change. */
const isSame = (a: Validators, b: Validators): boolean =>
  !differs(a.etag, b.etag) && !differs(a.lastModified, b.lastModified)

const differs = (one: string | undefined, other: string | undefined) =>
  one !== undefined && other !== undefined && one !== other
