/** Reverse proxies that are believed, by their addresses or networks ("10.0.0.0/8"). */
import { BlockList, isIP } from "node:net"
import { Option } from "effect"

export interface Proxies {
  /** Whether a proxy of ours is at this address, written without the IPv6 form of IPv4 addresses. */
  readonly has: (ip: string) => boolean
}

/** "10.1.2.3", "10.0.0.0/8", "fd00::/8"; a mask of no bits would trust everybody, and so nobody may. */
export const proxyIn = (text: string): Option.Option<string> => {
  const [address = "", bits, ...rest] = text.split("/")
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return Option.none()
  if (bits === undefined) return Option.some(text)
  const width = /^\d{1,3}$/.test(bits) ? Number(bits) : 0
  return width >= 1 && width <= (family === 4 ? 32 : 128) ? Option.some(text) : Option.none()
}

/** Of texts that `proxyIn` took. */
export const make = (texts: ReadonlyArray<string>): Proxies => {
  const networks = new BlockList()
  for (const text of texts) {
    const [address = "", bits] = text.split("/")
    const family = isIP(address) === 6 ? "ipv6" : "ipv4"
    if (bits === undefined) networks.addAddress(address, family)
    else networks.addSubnet(address, Number(bits), family)
  }
  return {
    has: (ip) => {
      const family = isIP(ip)
      return family !== 0 && texts.length > 0 && networks.check(ip, family === 6 ? "ipv6" : "ipv4")
    }
  }
}
