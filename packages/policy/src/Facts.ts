/** What the rules need to know of a device. What a platform cannot tell is `undefined`, and each rule says what follows from that. */

export interface Facts {
  /** Bytes of memory. */
  readonly memory: number | undefined
  /** Bytes of the disk that the cache lies on, free or not. */
  readonly disk: number | undefined
  /** The name of the interface that makes the device count as being on a VPN; `false` when none does. */
  readonly vpn: string | false
  /** On mains power, or on battery with so many percent of charge. */
  readonly power: "Mains" | { readonly percent: number } | undefined
  /** Whether bytes cost money on the network in use. */
  readonly isMetered: boolean | undefined
}

/** Where a group may come from besides the policy. Texts as found, unchecked. */
export interface GroupFacts {
  readonly adSite: string | undefined
  readonly domainSid: string | undefined
  /** DHCP option 234. */
  readonly dhcpOption: string | undefined
  readonly dnsSuffix: string | undefined
  readonly entraTenant: string | undefined
}

/** Foreground: a person waits for it. */
export type Priority = "Foreground" | "Background"
