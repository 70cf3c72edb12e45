/**
 * What a trace tells of a download, in one place: the names, and how rooms make them. Everything else that is named for errors and
 * profiles (`Effect.fn`) is no span of a trace: a download has a few dozens of those below, and not one for each piece. Without a collector
 * `make` costs one look at a reference.
 *
 * Nothing secret is in them: URLs are without queries and logins, failures are a tag and a sentence.
 */
import { Clock, Context, Effect, Exit, Option, Tracer } from "effect"

/** Spans that a program of a device or a cache server tells. All but the roots are told only inside of one. */
export const names = {
  /** From the wish to the file: attributes as in docs/metrics.md. A root. */
  download: "download",
  /** What a cache server did for one request; inside the client's, where that says which. A root. */
  cacheRequest: "cache request",
  /** What a peer was served in one session; inside the peer's own session. A root. */
  peerServed: "peer served",
  /** One session with a peer, as the one that fetches sees it. */
  peerSession: "peer session",
  /** One GET, from the head to the last byte, at an origin or a cache server. */
  request: "http request",
  /** The probe of the origin and the words of the services, side by side. */
  firstLook: "FirstLook.take",
  /** The services about the content. */
  approach: "Approach.find",
  /** The pieces hash file. */
  hashes: "HashesFile.fetchAny"
} as const

const roots: ReadonlySet<string> = new Set([names.download, names.cacheRequest, names.peerServed])
const inner: ReadonlySet<string> = new Set(Object.values(names).filter((name) => !roots.has(name)))

export type Told = "Root" | "Inner" | "Not"

/** Whether a span of that name is told. Calls of the services are `Cloud.…`. */
export const told = (name: string): Told => {
  if (roots.has(name)) return "Root"
  return inner.has(name) || name.startsWith("Cloud.") ? "Inner" : "Not"
}

/** Most spans of one name in what one root has; how many more there were is an attribute of the root. */
export const mostOfAName = 100

/** A place in a trace of another program. */
export interface TraceContext {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string
  readonly sampled: boolean
}

/** Of a header `traceparent` (W3C Trace Context, version 00 and what later versions keep of it); `undefined` for anything else. */
export const parse = (header: string | undefined): TraceContext | undefined => {
  const [, version, traceId = "", spanId = "", flags = ""] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.{0,256})?$/.exec(header ?? "") ?? []
  if (version === undefined || version === "ff" || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

export const written = ({ sampled, spanId, traceId }: TraceContext): string =>
  `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`

/** Whether somebody is told of spans here; `Traces.layer` says so. */
export const Telling = Context.Reference<boolean>("@piecework/telemetry/Spans/Telling", { defaultValue: () => false })

/** What surrounds the caller, if it is told to a collector. */
export const current: Effect.Effect<Tracer.AnySpan | undefined> = Effect.flatMap(Telling, (isTold) =>
  isTold
    ? Effect.map(Effect.serviceOption(Tracer.ParentSpan), (found) =>
        Option.isSome(found) && found.value.sampled ? found.value : undefined
      )
    : Effect.undefined
)

/** `current` for another program; `undefined` where there is nothing to tell it. */
export const context: Effect.Effect<TraceContext | undefined> = Effect.map(current, (span) =>
  span === undefined ? undefined : { traceId: span.traceId, spanId: span.spanId, sampled: true }
)

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

export interface Options {
  readonly kind?: Tracer.SpanKind | undefined
  /** Where it belongs, if that is not what surrounds the caller; `null`: it is a trace of its own. */
  readonly parent?: Tracer.AnySpan | TraceContext | null | undefined
  readonly attributes?: Attributes | undefined
  /** Asked once, when it is over. */
  readonly atEnd?: ((exit: Exit.Exit<unknown, unknown>) => Attributes) | undefined
}

/** Surrounds the effect with a span; its log lines say the trace of a root. As it is where nobody is told. */
export const within =
  (name: string, options: Options = {}) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Telling, (isTold) => {
      if (!isTold) return self
      const { atEnd, attributes } = options
      return Effect.useSpan(name, placed(options), (span) => {
        annotate(span, attributes)
        const surrounded = Effect.withParentSpan(self, span, { captureStackTrace: false }).pipe(
          Effect.onExit((exit) => Effect.sync(() => annotate(span, atEnd?.(exit))))
        )
        return roots.has(name) && span.sampled
          ? Effect.annotateLogs(surrounded, { trace_id: span.traceId, span_id: span.spanId })
          : surrounded
      })
    })

/** The same for something that lasts until the scope closes. Answers the place of the span. */
export const scoped = Effect.fnUntraced(function* (name: string, options: Options) {
  if (!(yield* Telling)) return undefined
  const { atEnd, attributes } = options
  const span = yield* Effect.makeSpanScoped(name, placed(options))
  annotate(span, attributes)
  yield* Effect.addFinalizer((exit) => Effect.sync(() => annotate(span, atEnd?.(exit))))
  return span
})

/** A span of something that is over; it began at `since`, in nanoseconds of the clock. */
export const past = Effect.fnUntraced(function* (
  name: string,
  { attributes, kind = "internal", parent }: Omit<Options, "atEnd">,
  since: bigint
) {
  if (!(yield* Telling)) return
  const tracer = yield* Effect.tracer
  const inside = parent === undefined || parent === null ? undefined : of(parent)
  const span = tracer.span({
    name,
    parent: Option.fromUndefinedOr(inside),
    annotations: Context.empty(),
    links: [],
    startTime: since,
    kind,
    root: inside === undefined,
    sampled: inside?.sampled ?? true
  })
  annotate(span, attributes)
  span.end((yield* Clock.Clock).currentTimeNanosUnsafe(), Exit.void)
})

const placed = ({ kind = "internal", parent }: Options) => {
  if (parent === undefined) return { kind }
  return parent === null ? { kind, root: true } : { kind, parent: of(parent) }
}

/** Of another program, unless it is a span. */
const of = (place: Tracer.AnySpan | TraceContext): Tracer.AnySpan =>
  "annotations" in place
    ? place
    : Tracer.externalSpan({ traceId: place.traceId, spanId: place.spanId, sampled: place.sampled })

/** What is not known is not told. */
export const annotate = (span: Tracer.Span, attributes: Attributes | undefined): void => {
  for (const [key, value] of Object.entries(attributes ?? {})) if (value !== undefined) span.attribute(key, value)
}

/** A URL as it may be told: without query, fragment and login. */
export const bareUrl = (text: string): string => {
  if (!URL.canParse(text)) return "?"
  const { host, pathname, protocol } = new URL(text)
  return `${protocol}//${host}${pathname}`.slice(0, 2048)
}
