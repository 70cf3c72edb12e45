/** Machines in memory that dial each other and listen. */
import { PeerAddress } from "@piecework/domain/Peer"
import { Clock, Duration, Effect, FiberSet, type Scope } from "effect"
import { type ByteStream, TransportError } from "../ByteStream.ts"
import type { Line, Link } from "../MemoryNetwork.ts"
import type { DialOptions, ListenOptions } from "../Transport.ts"
import { observed } from "./faults.ts"
import type { Route, SharedLine } from "./MemoryPipe.ts"
import { join, type MemoryStream } from "./MemoryStream.ts"

/** Ports for `port: 0` and for the dialling side. Source: RFC 6335, section 6. */
const firstFreePort = 49_152

const wildcards = new Set(["0.0.0.0", "::"])
const loopbacks = new Set(["127.0.0.1", "::1", "localhost"])

interface Machine {
  readonly name: string
  /** By host and port as they were listened on. */
  readonly listeners: Map<string, (stream: MemoryStream) => void>
  readonly streams: Set<MemoryStream>
  /** Diallers that wait until the machine is no longer cut off. */
  readonly waiting: Set<() => void>
  isCut: boolean
  lastPort: number
}

/** What a `Transport` can do, for one machine. */
export interface MachineTransport {
  readonly dial: (options: DialOptions) => Effect.Effect<ByteStream, TransportError, Scope.Scope>
  readonly listen: <R>(
    options: ListenOptions,
    handler: (stream: ByteStream) => Effect.Effect<void, never, R>
  ) => Effect.Effect<PeerAddress, TransportError, R | Scope.Scope>
}

export interface Options {
  readonly link: (from: string, to: string) => Link
  /** Every name that is dialled is the machine itself. */
  readonly everyHost: boolean
}

export class Network {
  private readonly machines = new Map<string, Machine>()
  /** Names that machines listen on beside their own. */
  private readonly aliases = new Map<string, Machine>()
  private readonly lines = new Map<Line, SharedLine>()
  private readonly options: Options
  private readonly clock: Clock.Clock
  private readonly fork: (courier: Effect.Effect<void>) => void

  constructor(options: Options, clock: Clock.Clock, fork: (courier: Effect.Effect<void>) => void) {
    this.options = options
    this.clock = clock
    this.fork = fork
  }

  /** Couriers live in the scope and go by its clock. */
  static readonly make = (options: Options): Effect.Effect<Network, never, Scope.Scope> =>
    Effect.gen(function* () {
      const run = yield* FiberSet.makeRuntime()
      return new Network(options, yield* Clock.Clock, run)
    })

  transport(host: string): MachineTransport {
    const machine = this.machine(host)
    return {
      dial: (options) => this.dial(machine, options),
      listen: (options, handler) => this.listen(machine, options, handler)
    }
  }

  cut(host: string): void {
    this.machine(host).isCut = true
  }

  restore(host: string): void {
    const machine = this.machine(host)
    machine.isCut = false
    for (const proceed of Array.from(machine.waiting)) proceed()
    for (const stream of Array.from(machine.streams)) stream.wake()
  }

  reset(host: string): void {
    // A copy, since who is woken may dial again at once.
    for (const stream of Array.from(this.machine(host).streams)) stream.reset()
  }

  private dial(from: Machine, options: DialOptions): Effect.Effect<ByteStream, TransportError, Scope.Scope> {
    const { host, port } = options
    const fail = (reason: TransportError["reason"]) =>
      Effect.fail(new TransportError({ operation: "dial", address: named(host, port), reason }))
    const connect = Effect.gen({ self: this }, function* () {
      const to = this.find(from, host)
      if (to === undefined) return yield* fail("Unresolved")
      // Nothing is encrypted in memory, so nobody passes on what is.
      if (options.tls?.through !== undefined) return yield* fail("NotLetThrough")
      if (options.bars?.(host) === true || options.bars?.(to.name) === true) return yield* fail("Barred")
      const there = this.route(from, to)
      const back = this.route(to, from)
      yield* reachable(from, to)
      // SYN and its answer.
      if (there.latency + back.latency > 0) yield* Effect.sleep(there.latency + back.latency)
      yield* reachable(from, to)
      const accept = listener(to, host, port, from === to)
      if (accept === undefined) return yield* fail("Refused")
      const own = new PeerAddress({ host: from.name, port: freePort(from) })
      const [near, far] = join(
        { address: own, route: there, onClosed: () => from.streams.delete(near) },
        { address: new PeerAddress({ host: to.name, port }), route: back, onClosed: () => to.streams.delete(far) }
      )
      from.streams.add(near)
      to.streams.add(far)
      accept(far)
      return near
    })
    return Effect.acquireRelease(connect, (stream) => Effect.sync(stream.close), { interruptible: true }).pipe(
      Effect.timeoutOrElse({ duration: options.timeout ?? "15 seconds", orElse: () => fail("TimedOut") })
    )
  }

  private listen<R>(
    machine: Machine,
    options: ListenOptions,
    handler: (stream: ByteStream) => Effect.Effect<void, never, R>
  ): Effect.Effect<PeerAddress, TransportError, R | Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const run = yield* FiberSet.makeRuntime<R>()
      const port = options.port === 0 ? freePort(machine) : options.port
      const key = bindingOf(machine, options.host, port)
      const fail = (reason: TransportError["reason"]) =>
        new TransportError({ operation: "listen", address: named(options.host, port), reason })
      const isOwn = wildcards.has(options.host) || loopbacks.has(options.host) || options.host === machine.name
      const owner = this.machines.get(options.host) ?? this.aliases.get(options.host)
      if (!isOwn && owner !== undefined && owner !== machine) return yield* fail("Denied")
      if (machine.listeners.has(key) || machine.listeners.has(`*:${port}`)) return yield* fail("InUse")
      if (!isOwn) this.aliases.set(options.host, machine)

      const limit = options.maxConnections ?? Number.POSITIVE_INFINITY
      let open = 0
      const accept = (stream: MemoryStream) => {
        if (open >= limit) return stream.close()
        open++
        // Whatever becomes of the fiber, even if it never gets to start.
        run(observed(named(options.host, port), handler(stream))).addObserver(() => {
          open--
          stream.close()
        })
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => machine.listeners.set(key, accept)),
        () => Effect.sync(() => machine.listeners.delete(key))
      )
      return new PeerAddress({ host: options.host, port })
    })
  }

  private machine(name: string): Machine {
    const known = this.machines.get(name)
    if (known !== undefined) return known
    const machine: Machine = {
      name,
      listeners: new Map(),
      streams: new Set(),
      waiting: new Set(),
      isCut: false,
      lastPort: firstFreePort - 1
    }
    this.machines.set(name, machine)
    return machine
  }

  private find(from: Machine, host: string): Machine | undefined {
    if (this.options.everyHost || loopbacks.has(host) || wildcards.has(host)) return from
    return this.machines.get(host) ?? this.aliases.get(host)
  }

  private route(from: Machine, to: Machine): Route {
    const link = from === to ? {} : this.options.link(from.name, to.name)
    return {
      latency: Duration.toMillis(link.latency ?? Duration.zero),
      lines: (link.lines ?? []).map((line) => this.sharedLine(line)),
      now: () => this.clock.currentTimeMillisUnsafe(),
      isCut: () => from !== to && (from.isCut || to.isCut),
      fork: this.fork
    }
  }

  private sharedLine(line: Line): SharedLine {
    const known = this.lines.get(line)
    if (known !== undefined) return known
    const shared = { bytesPerSecond: line.bytesPerSecond, freeAt: 0 }
    this.lines.set(line, shared)
    return shared
  }
}

const named = (host: string, port: number) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)

const bindingOf = (machine: Machine, host: string, port: number): string => {
  if (wildcards.has(host)) return `*:${port}`
  return `${loopbacks.has(host) && machine.name !== host ? "loopback" : host}:${port}`
}

/** Who accepts what is dialled as `host`. */
const listener = (machine: Machine, host: string, port: number, isOwn: boolean) =>
  machine.listeners.get(bindingOf(machine, isOwn && wildcards.has(host) ? "localhost" : host, port)) ??
  machine.listeners.get(`*:${port}`)

const freePort = (machine: Machine): number => {
  machine.lastPort = machine.lastPort >= 65_535 ? firstFreePort : machine.lastPort + 1
  return machine.lastPort
}

/** Waits while one of two machines is cut off from the other. */
const reachable = (from: Machine, to: Machine): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const proceed = () => {
      if (from !== to && (from.isCut || to.isCut)) return false
      from.waiting.delete(proceed)
      to.waiting.delete(proceed)
      resume(Effect.void)
      return true
    }
    if (proceed()) return
    from.waiting.add(proceed)
    to.waiting.add(proceed)
    return Effect.sync(() => {
      from.waiting.delete(proceed)
      to.waiting.delete(proceed)
    })
  })
