/** The contents that the proxy can answer for, and the bytes of one of them, in order while they arrive, each verified before. */
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Context, Effect, Layer, Schema, type Scope, Stream } from "effect"
import type { Part } from "./ByteRange.ts"

/** What the service says of a URL. */
export type Knowledge =
  | { readonly _tag: "Known"; readonly contentId: ContentId; readonly size: number }
  /** Its operator wants nobody to have it at present. */
  | { readonly _tag: "Halted" }
  /** Nobody published it, or nobody could be asked. */
  | { readonly _tag: "Unknown" }

export class ContentError extends Schema.TaggedError<ContentError>()("ContentError", {
  url: Schema.String,
  /** `Unknown`: it is none of those that are vouched for. */
  reason: Schema.Literals(["Halted", "Unknown", "Failed"]),
  detail: Schema.String
}) {
  override get message(): string {
    switch (this.reason) {
      case "Halted":
        return `The service has halted ${this.url}: its operator wants nobody to have it at present.`
      case "Unknown":
        return `Nobody vouches for the hashes of ${this.url}: ${this.detail}`
      case "Failed":
        return `${this.url} could not be had: ${this.detail}`
    }
  }
}

export interface Opened {
  /** Bytes of the whole content. */
  readonly size: number
  /** A part of it, in order; chunks of at most 1 MiB, each valid until the next is pulled. Several readers at a time. */
  readonly read: (part: Part) => Stream.Stream<Uint8Array, ContentError>
}

export interface OpenOptions {
  readonly url: ContentUrl
  readonly contentId: ContentId
  /** Whether all of it is wanted, else what is read. */
  readonly isWhole: boolean
}

export class Contents extends Context.Service<
  Contents,
  {
    /** Asks the service. */
    readonly known: (url: ContentUrl) => Effect.Effect<Knowledge>
    /** Its fetching ends with the scope; what came stays in the cache. */
    readonly open: (options: OpenOptions) => Effect.Effect<Opened, ContentError, Scope.Scope>
  }
>()("@piecework/proxy/Contents") {
  /** None at all: everything passes through. */
  static readonly layerNone: Layer.Layer<Contents> = Layer.succeed(Contents, {
    known: () => Effect.succeed({ _tag: "Unknown" }),
    open: ({ url }) => Effect.fail(new ContentError({ url, reason: "Unknown", detail: "there are none" }))
  })

  /** Those in memory; `chunk` bytes at a time. */
  static readonly layerMemory = (
    contents: ReadonlyMap<string, { readonly contentId: ContentId; readonly bytes: Uint8Array }>,
    { chunk = 65_536 }: { readonly chunk?: number } = {}
  ): Layer.Layer<Contents> =>
    Layer.succeed(Contents, {
      known: (url) =>
        Effect.sync(() => {
          const found = contents.get(url)
          if (found === undefined) return { _tag: "Unknown" }
          return { _tag: "Known", contentId: found.contentId, size: found.bytes.length }
        }),
      open: ({ url }) =>
        Effect.suspend(() => {
          const found = contents.get(url)
          if (found === undefined) {
            return Effect.fail(new ContentError({ url, reason: "Unknown", detail: "it is not in memory" }))
          }
          const { bytes } = found
          const read = ({ length, offset }: Part) =>
            Stream.range(0, Math.ceil(length / chunk) - 1).pipe(
              Stream.map((i) =>
                bytes.subarray(offset + i * chunk, Math.min(offset + (i + 1) * chunk, offset + length))
              ),
              Stream.rechunk(1)
            )
          return Effect.succeed({ size: bytes.length, read })
        })
    })
}
