/**
 * Which networks an address is in, the narrowest first. A look costs one look into a map for each length of prefix that occurs,
 * however many networks there are.
 */
import { networkIn } from "@piecework/cloud/CacheNode"
import { Option, Result } from "effect"
import { NetAddress } from "effect/net"

/** A value, and the bits of the narrowest network of its own that holds the address. */
export interface Match<A> {
  readonly value: A
  readonly bits: number
}

export interface Networks<A> {
  /** The value has these networks from now on, and no others; a text that is no network counts for none. */
  readonly set: (value: A, ranges: ReadonlyArray<string>) => void
  readonly delete: (value: A) => void
  /** Each value once. None for a text that is no address. */
  readonly at: (ip: string) => ReadonlyArray<Match<A>>
}

export const make = <A>(): Networks<A> => {
  const families = { 4: new Map<number, Map<string, Set<A>>>(), 16: new Map<number, Map<string, Set<A>>>() }
  /** Lengths of prefixes that occur, the longest first. */
  const lengths: { 4: ReadonlyArray<number>; 16: ReadonlyArray<number> } = { 4: [], 16: [] }
  const placed = new Map<A, ReadonlyArray<Prefix>>()

  const order = (family: 4 | 16) => {
    lengths[family] = [...families[family].keys()].toSorted((a, b) => b - a)
  }

  const put = (value: A, { bits, family, key }: Prefix) => {
    let byKey = families[family].get(bits)
    if (byKey === undefined) {
      families[family].set(bits, (byKey = new Map()))
      order(family)
    }
    const values = byKey.get(key)
    if (values === undefined) byKey.set(key, new Set([value]))
    else values.add(value)
  }

  const take = (value: A, { bits, family, key }: Prefix) => {
    const byKey = families[family].get(bits)
    const values = byKey?.get(key)
    if (byKey === undefined || values === undefined) return
    values.delete(value)
    if (values.size > 0) return
    byKey.delete(key)
    if (byKey.size > 0) return
    families[family].delete(bits)
    order(family)
  }

  const remove = (value: A) => {
    for (const prefix of placed.get(value) ?? []) take(value, prefix)
    placed.delete(value)
  }

  return {
    set: (value, ranges) => {
      remove(value)
      const prefixes = ranges.flatMap(prefixOf)
      for (const prefix of prefixes) put(value, prefix)
      placed.set(value, prefixes)
    },
    delete: remove,
    at: (ip) => {
      const address = bytesOf(ip)
      if (address === undefined) return []
      const found = new Map<A, Match<A>>()
      for (const bits of lengths[address.family]) {
        const values = families[address.family].get(bits)?.get(keyOf(address.bytes, bits))
        if (values === undefined) continue
        for (const value of values) if (!found.has(value)) found.set(value, { value, bits })
      }
      return [...found.values()]
    }
  }
}

interface Prefix {
  /** Bytes of an address of its kind. */
  readonly family: 4 | 16
  readonly bits: number
  readonly key: string
}

const prefixOf = (range: string): ReadonlyArray<Prefix> =>
  Option.match(networkIn(range), {
    onNone: () => [],
    onSome: ({ address, prefixLength }) => {
      // A network of IPv4 addresses inside IPv6 ones is the IPv4 network: addresses are looked up so.
      const plain = prefixLength >= 96 ? NetAddress.toCanonical(address) : address
      const { bytes, family } = octetsOf(plain)
      const bits = NetAddress.isIpv4Address(address) === (family === 4) ? prefixLength : prefixLength - 96
      return [{ family, bits, key: keyOf(bytes, bits) }]
    }
  })

/** An IPv4 address inside an IPv6 one, as dual-stack sockets show it, is the IPv4 address. */
const bytesOf = (ip: string) =>
  Result.match(NetAddress.ipFromString(ip), {
    onFailure: () => undefined,
    onSuccess: (address) => octetsOf(NetAddress.toCanonical(address))
  })

const octetsOf = (address: NetAddress.IpAddress): { readonly family: 4 | 16; readonly bytes: ReadonlyArray<number> } =>
  NetAddress.isIpv4Address(address)
    ? { family: 4, bytes: NetAddress.ipv4ToOctets(address) }
    : { family: 16, bytes: [...NetAddress.ipv6ToOctets(address)] }

/** The first bits, as a text of one character for each byte that has any of them. */
const keyOf = (bytes: ReadonlyArray<number>, bits: number): string => {
  const whole = bits >> 3
  let key = ""
  for (let n = 0; n < whole; n++) key += String.fromCharCode(bytes[n] ?? 0)
  const rest = bits & 7
  return rest === 0 ? key : key + String.fromCharCode((bytes[whole] ?? 0) & (0xff << (8 - rest)) & 0xff)
}
