/**
 * Who may be dialled back now. Each address so often and for so few ports that nobody gets to know more of it than whether its client
 * is reached, however many devices and strangers are behind it; and no more at a time than cost the service nothing. Plain values in
 * bounded memory.
 */

/** Calls of one address, the ports that they name, and for how long those are remembered, in milliseconds. */
export const perAddress = { atOnce: 1, calls: 12, within: 60_000, ports: 4, remembered: 3_600_000 } as const
/** Of all together. */
export const together = { atOnce: 32, addresses: 4096 } as const

interface Known {
  underWay: number
  /** When the last calls came. */
  readonly calls: Array<number>
  /** When each was named last. */
  readonly ports: Map<number, number>
}

export interface ReachLimits {
  /** Whether the address may be dialled at this port; if so, `done` is to be called afterwards. */
  readonly begin: (address: string, port: number, now: number) => boolean
  readonly done: (address: string) => void
  /** How many addresses are remembered. */
  readonly size: () => number
}

export const make = (): ReachLimits => {
  /** Who came last is at the end. */
  const known = new Map<string, Known>()
  let underWay = 0

  const recall = (address: string, now: number): Known => {
    const before = known.get(address)
    const one = before ?? { underWay: 0, calls: [], ports: new Map<number, number>() }
    known.delete(address)
    known.set(address, one)
    while (one.calls[0] !== undefined && one.calls[0] <= now - perAddress.within) one.calls.shift()
    for (const [port, at] of one.ports) if (at <= now - perAddress.remembered) one.ports.delete(port)
    return one
  }

  /** Room for one more: who has nothing under way and came longest ago is forgotten. */
  const makeRoom = (): boolean => {
    if (known.size < together.addresses) return true
    for (const [address, one] of known) {
      if (one.underWay > 0) continue
      known.delete(address)
      return true
    }
    return false
  }

  return {
    begin: (address, port, now) => {
      if (underWay >= together.atOnce || (!known.has(address) && !makeRoom())) return false
      const one = recall(address, now)
      const isNew = !one.ports.has(port)
      if (one.underWay >= perAddress.atOnce || one.calls.length >= perAddress.calls) return false
      if (isNew && one.ports.size >= perAddress.ports) return false
      one.calls.push(now)
      one.ports.set(port, now)
      one.underWay++
      underWay++
      return true
    },
    done: (address) => {
      const one = known.get(address)
      if (one === undefined || one.underWay === 0) return
      one.underWay--
      underWay--
    },
    size: () => known.size
  }
}
