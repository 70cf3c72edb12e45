/** What is simulated: sites of devices that fetch one file. */

export interface Scene {
  readonly sites: number
  /** At each site. */
  readonly devices: number
  /** Of the file. */
  readonly bytes: number
  /** Bits a second of each site's line to the Internet, either way. */
  readonly wan: number
  /** Bits a second of each device's plug, either way. */
  readonly lan: number
  /** Round trip from a site to the origin, to the service and to another site, without queues. */
  readonly rttMillis: number
  /** From the start of one device of a site to that of the next; 0 starts all within `togetherMillis`. */
  readonly staggerMillis: number
  /** Share of the devices that are killed in the middle and start again, 0 to 1. */
  readonly churn: number
  /** Whether the service gives leases. Devices meet by its handouts in any case. */
  readonly leases: boolean
  /** How many others each device dials. */
  readonly connections: number
  /** All sites are one group, so that devices meet across sites; else each site is by itself. */
  readonly group: boolean
  readonly seed: number
}

/** Bytes in a piece: what `piecework-service publish` makes. */
export const pieceSize = 1_048_576

/** Devices that start together do so within so long: a command reaches no fleet in the same millisecond. */
export const togetherMillis = 100

/** Milliseconds in which a site's line carries one copy. */
export const idealMillis = ({ bytes, wan }: Pick<Scene, "bytes" | "wan">): number => (bytes * 8000) / wan

/** Bits a second as bytes a millisecond. */
export const bytesPerMilli = (bits: number): number => bits / 8000
