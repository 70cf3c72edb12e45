/** A collector of OpenTelemetry over HTTP that keeps the spans that it is sent, with the program that sent each. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, Schedule, type Scope } from "effect"

export interface Span {
  /** `service.name` of who sent it. */
  readonly program: string
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** 1 when all went well, 2 for a failure. */
  readonly status: number
}

export interface Collector {
  readonly url: string
  readonly spans: () => ReadonlyArray<Span>
  /** All that it was sent, as it came. */
  readonly text: () => string
  /** Waits until a span is there for which the function says so. */
  readonly seen: (is: (span: Span) => boolean) => Effect.Effect<Span>
}

export const make: Effect.Effect<Collector, never, Scope.Scope> = Effect.gen(function* () {
  const spans: Array<Span> = []
  let all = ""
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk: Buffer) => (body += chunk.toString()))
    request.on("end", () => {
      all += body
      if (request.url === "/v1/traces") spans.push(...read(JSON.parse(body)))
      response.end("{}")
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.sync(() => (server.close(), server.closeAllConnections()))
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    text: () => all,
    seen: (is) =>
      Effect.sync(() => spans.find(is)).pipe(
        Effect.repeat({ until: (found) => found !== undefined, schedule: Schedule.spaced("20 millis") }),
        Effect.flatMap((found) => (found === undefined ? Effect.die(new Error("it was seen")) : Effect.succeed(found)))
      )
  }
})

interface Attribute {
  readonly key: string
  readonly value: {
    readonly stringValue?: string
    readonly intValue?: number | string
    readonly boolValue?: boolean
    readonly doubleValue?: number
  }
}

interface Sent {
  readonly resourceSpans: ReadonlyArray<{
    readonly resource: { readonly attributes: ReadonlyArray<Attribute> }
    readonly scopeSpans: ReadonlyArray<{
      readonly spans: ReadonlyArray<
        Omit<Span, "program" | "attributes" | "status"> & {
          readonly attributes: ReadonlyArray<Attribute>
          readonly status: { readonly code: number }
        }
      >
    }>
  }>
}

const read = ({ resourceSpans }: Sent): ReadonlyArray<Span> =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...span,
        program: String(valuesOf(resource.attributes)["service.name"]),
        attributes: valuesOf(span.attributes),
        status: span.status.code
      }))
    )
  )

const valuesOf = (attributes: ReadonlyArray<Attribute>): Span["attributes"] =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue)
    ])
  )
