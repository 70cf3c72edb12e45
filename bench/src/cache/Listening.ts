/** Waits until a program accepts connections, which not every server says. */
import { readFileSync } from "node:fs"
import { Effect, Schedule } from "effect"
import { type Daemon, ProgramError } from "../Meter.ts"

/** State of a socket that listens, in /proc/net/tcp. Source: include/net/tcp_states.h of Linux. */
const listen = "0A"

/** An address as /proc/net/tcp has it: the bytes of IPv4 in the order of the machine, which is little-endian, and the port. */
export const written = (host: string, port: number): string => {
  const bytes = host.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"))
  return `${bytes.toReversed().join("")}:${port.toString(16).padStart(4, "0")}`.toUpperCase()
}

/** Whether a table of sockets has one that listens there, or on all addresses. Pure. */
export const isListening = (table: string, host: string, port: number): boolean => {
  const wanted = new Set([written(host, port), written("0.0.0.0", port)])
  return table.split("\n").some((line) => {
    const [, local, , state] = line.trim().split(/\s+/)
    return local !== undefined && wanted.has(local) && state === listen
  })
}

const limit = "20 seconds"

/** In the network of the process. Fails when the process ends, and after 20 s. */
export const waitFor = Effect.fn("Listening.waitFor")(function* (daemon: Daemon, host: string, port: number) {
  const look = Effect.try(() => isListening(readFileSync(`/proc/${daemon.pid}/net/tcp`, "latin1"), host, port))
  yield* Effect.repeat(
    Effect.orElseSucceed(look, () => false),
    { until: (there) => there, schedule: Schedule.spaced("20 millis") }
  ).pipe(
    Effect.raceFirst(daemon.ended),
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () =>
        new ProgramError({ name: daemon.name, reason: "TimedOut", detail: `nothing listens at ${host}:${port}` })
    })
  )
})
