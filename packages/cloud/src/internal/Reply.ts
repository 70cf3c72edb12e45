/** What a service answered over HTTP, read whole once it is what an answer of the contract must look like. */
import { Effect, Schema, Stream } from "effect"
import { HttpClientError, type HttpClientRequest, type HttpClientResponse } from "effect/http"
import { text } from "../Fields.ts"

/** One exit or one defect is all that a call may be answered with. */
const Envelope = Schema.fromJsonString(
  Schema.Tuple([
    Schema.Union([
      Schema.Struct({
        _tag: Schema.Literal("Exit"),
        requestId: Schema.Union([text(64), Schema.Int]),
        exit: Schema.Union([
          Schema.Struct({ _tag: Schema.Literal("Success"), value: Schema.optionalKey(Schema.Unknown) }),
          Schema.Struct({ _tag: Schema.Literal("Failure"), cause: Schema.Array(Schema.Unknown) })
        ])
      }),
      Schema.Struct({ _tag: Schema.Literal("Defect"), defect: Schema.Unknown })
    ])
  ])
)

/** The reply read whole, once its status, type, length and envelope are what they must be. */
export const readReply =
  (request: HttpClientRequest.HttpClientRequest, maxBytes: number) =>
  (
    response: HttpClientResponse.HttpClientResponse
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> =>
    Effect.gen(function* () {
      const nonsense = (description: string) =>
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.DecodeError({ request, response, description })
        })
      if (response.status !== 200) {
        return yield* new HttpClientError.HttpClientError({
          reason: new HttpClientError.StatusCodeError({ request, response })
        })
      }
      const type = response.headers["content-type"] ?? ""
      if (!/^application\/json\b/i.test(type)) return yield* nonsense(`content-type ${type.slice(0, 100)}`)
      if (Number(response.headers["content-length"] ?? 0) > maxBytes) return yield* nonsense("too long")
      const parts: Array<Uint8Array> = []
      let length = 0
      yield* response.stream.pipe(
        Stream.takeWhile(() => length <= maxBytes),
        Stream.runForEach((part) =>
          Effect.sync(() => {
            length += part.length
            parts.push(part)
          })
        ),
        Effect.mapError(
          (cause) =>
            new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
        )
      )
      if (length > maxBytes) return yield* nonsense("too long")
      const body = textOf(parts, length)
      yield* Schema.decodeEffect(Envelope)(body).pipe(Effect.mapError(() => nonsense("not an answer of this contract")))
      // A response of the web's would load all of fetch, which nothing else here needs.
      const read: HttpClientResponse.HttpClientResponse = Object.create(response, {
        text: { value: Effect.succeed(body) }
      })
      return read
    })

/** Their bytes as text. Browsers have no Buffer. */
const textOf = (parts: ReadonlyArray<Uint8Array>, length: number): string => {
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return decoder.decode(whole)
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
