/** The shape of the site that is built, and how its options are written on the command line. */
import { Option } from "effect"

export interface SiteOptions {
  /** At each site. */
  readonly devices: number
  readonly sites: number
  /** Of the file. */
  readonly bytes: number
  /** Bits a second of each site's line to the Internet, either way. */
  readonly wan: number
  /** Bits a second of each device's port, either way. */
  readonly lan: number
  /** Round trip from a site to the origin and to the service, without queues. */
  readonly rttMillis: number
  /** Share of the frames that get lost on their way into a device, 0 to 1. */
  readonly loss: number
  /** Share of the devices that are killed in the middle and start again, 0 to 1. */
  readonly churn: number
  /** From the start of one device to that of the next; 0 starts all in the same instant. */
  readonly staggerMillis: number
  /** Whether the matching service can be reached; one that dies is there for a quarter of the ideal time. */
  readonly service: ServiceState
}

export const serviceStates = ["up", "dies", "down"] as const
export type ServiceState = (typeof serviceStates)[number]

/** When a service dies, as a part of the ideal time. */
export const lifeShare = 0.25

/** So many can be addressed: a /24 for each site's LAN, less router, helper and broadcast. */
export const mostDevices = 200
export const mostSites = 16

/**
 * What the frames of a TCP stream have more than its bytes: 1514 for 1448 (Ethernet 14, IPv4 20, TCP 20, time stamps
 * 12), as the counters of an interface see them.
 */
export const framing = 1514 / 1448

/** Seconds in which the line carries one copy of the file. */
export const idealSeconds = ({ bytes, wan }: Pick<SiteOptions, "bytes" | "wan">): number => (bytes * 8 * framing) / wan

const units = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 } as const

/** "100mbit" as bits a second: from 64 kbit/s, under which nothing ends, to 100 Gbit/s. */
export const rate = (text: string): Option.Option<number> => {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?bit)(?:\/s)?$/i.exec(text.trim())
  const unit = match?.[2]?.toLowerCase()
  const bits = unit !== undefined && unit in units ? Number(match?.[1]) * units[unit as keyof typeof units] : 0
  return bits >= 64e3 && bits <= 100e9 ? Option.some(Math.round(bits)) : Option.none()
}

/** "2%" as 0.02, below `most`. */
export const share =
  (most: number) =>
  (text: string): Option.Option<number> => {
    const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())
    const fraction = match === null ? Number.NaN : Number(match[1]) / 100
    return fraction <= most ? Option.some(fraction) : Option.none()
  }

const spans = { ms: 1, s: 1000, m: 60_000 } as const

/** "20ms", "2s" or "1m" as milliseconds, at most `most`. */
export const span =
  (most: number) =>
  (text: string): Option.Option<number> => {
    const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m)$/.exec(text.trim())
    const millis = match === null ? Number.NaN : Number(match[1]) * spans[match[2] as keyof typeof spans]
    return millis <= most ? Option.some(millis) : Option.none()
  }

/** "together", or the time from one start to the next. */
export const start = (text: string): Option.Option<number> =>
  text.trim() === "together" ? Option.some(0) : span(600_000)(text)
