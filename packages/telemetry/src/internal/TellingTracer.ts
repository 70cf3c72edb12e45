/**
 * A tracer that tells of few spans: the others stand for the told one around them, so that what is inside of them, in this program or
 * in another, hangs under that. Of one name a root has only so many; the rest is counted. What is told has no secrets in it.
 */
import { Cause, Context, Exit, Option, Tracer } from "effect"
import * as Sampler from "../Sampler.ts"
import { bareUrl, mostOfAName, type Told } from "../Spans.ts"

export interface Options {
  readonly sampler: Sampler.Sampler
  /** Whether a span of that name is told. */
  readonly told: (name: string, kind: Tracer.SpanKind) => Told
  /** Of one name in one root. */
  readonly most?: number | undefined
}

type SpanOptions = Parameters<Tracer.Tracer["span"]>[0]

/** `inner` sends what it is given to a collector. */
export const make = (inner: Tracer.Tracer, options: Options): Tracer.Tracer => {
  const { most = mostOfAName, sampler, told } = options
  /** Stands for what belongs to no trace that is told; nobody hears of its ids. */
  const nowhere = { traceId: randomHex(32), spanId: randomHex(16) }

  const real = (given: SpanOptions, root: Root): Tracer.Span => new TellingSpan(inner.span(given), root)

  return Tracer.make({
    span: (given) => {
      const parent = given.root ? undefined : Option.getOrUndefined(given.parent)
      const kind = told(given.name, given.kind)
      if (parent === undefined) {
        if (kind !== "Root") return new Standing(given, nowhere, undefined, false)
        const span = inner.span({ ...given, sampled: true })
        if (!Sampler.takes(sampler, span.traceId)) return new Standing(given, span, undefined, false)
        return new TellingSpan(span, new Root())
      }
      // Of another program: what it decided, unless the sampler is one that decides for itself.
      if (parent._tag === "ExternalSpan") {
        const sampled = sampler.isParentBased ? parent.sampled : Sampler.takes(sampler, parent.traceId)
        return kind !== "Root" || !sampled
          ? new Standing(given, parent, parent, sampled)
          : real({ ...given, sampled }, new Root())
      }
      const around = parent instanceof Standing ? parent.around : parent
      if (around === undefined || !parent.sampled) return new Standing(given, parent, around, false)
      const root = around instanceof TellingSpan ? around.root : new Root()
      if (kind === "Not" || !root.takes(given.name, most)) return new Standing(given, around, around, true)
      return real({ ...given, parent: Option.some(around), sampled: true }, root)
    }
  })
}

/** How many spans of which name a root has. */
class Root {
  readonly #taken = new Map<string, number>()
  readonly #left = new Map<string, number>()

  takes(name: string, most: number): boolean {
    const taken = this.#taken.get(name) ?? 0
    const counts = taken < most ? this.#taken : this.#left
    counts.set(name, (counts.get(name) ?? 0) + 1)
    return taken < most
  }

  get left(): ReadonlyMap<string, number> {
    return this.#left
  }
}

/** Stands for the told span around it. */
class Standing implements Tracer.Span {
  readonly _tag = "Span"
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly traceId: string
  readonly spanId: string
  readonly sampled: boolean
  readonly around: Tracer.AnySpan | undefined
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly annotations: Context.Context<never>
  readonly status: Tracer.SpanStatus
  readonly attributes: ReadonlyMap<string, unknown> = none
  readonly links: ReadonlyArray<Tracer.SpanLink> = []

  constructor(
    given: SpanOptions,
    ids: { readonly traceId: string; readonly spanId: string },
    around: Tracer.AnySpan | undefined,
    sampled: boolean
  ) {
    this.name = given.name
    this.kind = given.kind
    this.annotations = given.annotations
    this.status = { _tag: "Started", startTime: given.startTime }
    this.traceId = ids.traceId
    this.spanId = ids.spanId
    this.around = around
    this.parent = Option.fromUndefinedOr(around)
    this.sampled = sampled
  }
  end() {}
  attribute() {}
  event() {}
  addLinks() {}
}

const none: ReadonlyMap<string, unknown> = new Map()

/** One that is told, without secrets. */
class TellingSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly root: Root
  readonly #inner: Tracer.Span

  constructor(inner: Tracer.Span, root: Root) {
    this.#inner = inner
    this.root = root
  }
  get name() {
    return this.#inner.name
  }
  get kind() {
    return this.#inner.kind
  }
  get traceId() {
    return this.#inner.traceId
  }
  get spanId() {
    return this.#inner.spanId
  }
  get parent() {
    return this.#inner.parent
  }
  get annotations() {
    return this.#inner.annotations
  }
  get status() {
    return this.#inner.status
  }
  get attributes() {
    return this.#inner.attributes
  }
  get links() {
    return this.#inner.links
  }
  get sampled() {
    return this.#inner.sampled
  }
  attribute(key: string, value: unknown) {
    const told = harmless(key, value)
    if (told !== undefined) this.#inner.attribute(key, told)
  }
  event(name: string, startTime: bigint, attributes?: Record<string, unknown>) {
    this.#inner.event(name, startTime, attributes)
  }
  addLinks(links: ReadonlyArray<Tracer.SpanLink>) {
    this.#inner.addLinks(links)
  }
  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>) {
    for (const [name, count] of this.root.left) {
      if (this.#isRoot) this.#inner.attribute(`piecework.untold.${name}`, count)
    }
    this.#inner.end(endTime, Exit.isFailure(exit) ? Exit.failCause(bare(exit.cause)) : exit)
  }
  get #isRoot(): boolean {
    const parent = Option.getOrUndefined(this.parent)
    return parent === undefined || parent._tag === "ExternalSpan"
  }
}

/** A URL loses what may be secret in it; headers are not told at all. */
const harmless = (key: string, value: unknown): unknown => {
  if (key === "url.query" || /^http\.(?:request|response)\.header\./.test(key)) return undefined
  if (typeof value !== "string") return value
  return key === "url.full" ? bareUrl(value) : plain(value)
}

/** A text without what follows the `?` of URLs in it, and without their logins. */
const plain = (text: string): string =>
  text
    .replace(/(\w+:\/\/)[^\s/@"']*@/g, "$1")
    .replace(/(\w+:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/g, "$1")
    .slice(0, 2048)

/** What went wrong as a tag and a sentence, without what caused it. */
const bare = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> => {
  if (Cause.hasInterruptsOnly(cause)) return cause
  const found = Cause.squash(cause)
  const { _tag, message }: { _tag?: unknown; message?: unknown } = Object(found)
  const error = new Error(plain(String(message ?? "It failed.")))
  error.name = typeof _tag === "string" ? _tag : found instanceof Error ? found.name : "Error"
  error.stack = `${error.name}: ${error.message}`
  return Cause.fail(error)
}

const randomHex = (digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join("")
