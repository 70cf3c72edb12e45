/** A network interface of the device, and whether it leads into a VPN. Source of the numbers: linux/if_arp.h, linux/if_tun.h. */

export interface Address {
  readonly address: string
  /** As 255.255.255.0, or in IPv6's form. */
  readonly netmask: string
  readonly family: "IPv4" | "IPv6"
}

export interface NetworkInterface {
  readonly name: string
  /** What its administrator calls it (`ip link set … alias`), or nothing. */
  readonly alias: string
  /** Only this device itself is behind it. */
  readonly isLoopback: boolean
  readonly addresses: ReadonlyArray<Address>
  /** ARPHRD_… of /sys/class/net/NAME/type; `undefined` where the platform does not tell. */
  readonly hardware: number | undefined
  /** DEVTYPE of its uevent: "wireguard", "wlan", "bridge", … */
  readonly kind: string | undefined
}

/** ARPHRD_PPP, _TUNNEL, _TUNNEL6, _IPGRE, _IP6GRE; and _NONE, which tun devices and WireGuard have: tunnels by their kind. */
const tunnels: ReadonlySet<number> = new Set([512, 768, 769, 778, 823, 65_534])

/** Whether it counts as a VPN: by its kind, or by a keyword in its name or alias. Source: spec.md §1, DOVpnKeywords. */
export const isVpn = (one: NetworkInterface, keywords: ReadonlyArray<string>): boolean => {
  if (one.isLoopback || one.addresses.length === 0) return false
  if (one.kind === "wireguard" || (one.hardware !== undefined && tunnels.has(one.hardware))) return true
  const words = `${one.name}\n${one.alias}`.toLowerCase()
  return keywords.some((keyword) => keyword !== "" && words.includes(keyword.toLowerCase()))
}

/** The name of the first one that counts as a VPN. */
export const vpn = (all: ReadonlyArray<NetworkInterface>, keywords: ReadonlyArray<string>): string | false =>
  all.find((one) => isVpn(one, keywords))?.name ?? false
