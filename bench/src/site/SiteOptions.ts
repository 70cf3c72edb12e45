/** The shape of the site that is built. */
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
  /** … of the helper's port, where that is a machine with a fatter link. */
  readonly helperLan?: number
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
