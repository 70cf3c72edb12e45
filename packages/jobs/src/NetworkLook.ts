/**
 * What the interfaces of a device and its network manager say of what bytes cost. Roaming and surcharges nobody tells on Linux, so they
 * never come up by themselves. Source of the kinds and names: Linux, drivers/net/wwan; systemd.net-naming-scheme(7).
 */
import { isVpn, type NetworkInterface } from "@piecework/host/NetworkInterface"
import type { Network } from "./CostPolicy.ts"

export type Cost = Pick<Network, "cost" | "isCellular">

/** While nothing is known: what cannot be found out holds nobody up. */
export const unknown: Cost = { cost: "Unrestricted", isCellular: false }

export const costOf = (isMetered: boolean | undefined, interfaces: ReadonlyArray<NetworkInterface>): Cost => {
  const carriers = interfaces.filter(carries)
  return {
    cost: isMetered === true ? "Metered" : "Unrestricted",
    // With another one beside it nobody can say from here which of them is taken.
    isCellular: carriers.length > 0 && carriers.every(isWireless)
  }
}

/** Leads beyond the device by itself: a tunnel or a bridge stands on another one. */
const carries = (one: NetworkInterface): boolean =>
  !one.isLoopback &&
  one.kind !== "bridge" &&
  !isVpn(one, []) &&
  one.addresses.some(({ address }) => !/^(?:fe[89ab][0-9a-f]:|169\.254\.)/i.test(address))

const isWireless = ({ kind, name }: NetworkInterface): boolean => kind === "wwan" || /^ww[abcdopsvxu]/.test(name)
