/** The kinds of limits, and what is done to see whether each holds. */

export interface Case {
  readonly name: string
  /** What holds, for people. */
  readonly what: string
  /** Settings of the device that fetches. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly priority: "foreground" | "background"
  /** Where the bytes come from. */
  readonly from: "Origin" | "Swarm" | "InternetPeer" | "LanPeer"
  /** Settings of the peer that it comes from. */
  readonly peerSettings?: Readonly<Record<string, unknown>>
  /**
   * Bytes a second, or a share of what the line was measured to carry in a download before, without limits. Of a `LanPeer`: the
   * limit that does not apply.
   */
  readonly limit: number | { readonly share: number }
}

/** Whether what the line can carry has to have been seen before the settings mean anything. */
export const needsLine = ({ settings }: Case): boolean =>
  Object.keys(settings).some((name) => name.startsWith("DOPercentage") || name.startsWith("DOSetHours"))

const kilo = 1024

/** Long enough that a peer is waited for. */
const noHttp = { DODelayForegroundDownloadFromHttp: 3600 }

export const all: ReadonlyArray<Case> = [
  {
    name: "foreground",
    what: "absolute, foreground, from the origin",
    settings: { DOMaxForegroundDownloadBandwidth: 2048, DOMaxBackgroundDownloadBandwidth: 100 },
    priority: "foreground",
    from: "Origin",
    limit: 2048 * kilo
  },
  {
    name: "background",
    what: "absolute, background, from the origin",
    settings: { DOMaxBackgroundDownloadBandwidth: 1024, DOMaxForegroundDownloadBandwidth: 100 },
    priority: "background",
    from: "Origin",
    limit: 1024 * kilo
  },
  {
    name: "swarm",
    what: "absolute, foreground, pieces of a published content",
    settings: { DOMaxForegroundDownloadBandwidth: 2048 },
    priority: "foreground",
    from: "Swarm",
    limit: 2048 * kilo
  },
  {
    name: "foreground-share",
    what: "50 % of the measured line, foreground",
    settings: { DOPercentageMaxForegroundBandwidth: 50 },
    priority: "foreground",
    from: "Origin",
    limit: { share: 0.5 }
  },
  {
    name: "background-share",
    what: "25 % of the measured line, background",
    settings: { DOPercentageMaxBackgroundBandwidth: 25 },
    priority: "background",
    from: "Origin",
    limit: { share: 0.25 }
  },
  {
    name: "hours",
    what: "40 % all day by business hours, foreground",
    settings: { DOSetHoursToLimitForegroundDownloadBandwidth: "0,0,40,0" },
    priority: "foreground",
    from: "Origin",
    limit: { share: 0.4 }
  },
  {
    name: "lowest",
    what: "the lowest of three: 90 %, 80 % by the hour, 1536 KB/s",
    settings: {
      DOPercentageMaxForegroundBandwidth: 90,
      DOSetHoursToLimitForegroundDownloadBandwidth: "0,0,80,0",
      DOMaxForegroundDownloadBandwidth: 1536
    },
    priority: "foreground",
    from: "Origin",
    limit: 1536 * kilo
  },
  {
    name: "internet-peer",
    what: "absolute, foreground, from an Internet peer",
    settings: { ...noHttp, DOMaxForegroundDownloadBandwidth: 2048 },
    priority: "foreground",
    from: "InternetPeer",
    limit: 2048 * kilo
  },
  {
    name: "upload",
    what: "upload to an Internet peer",
    settings: noHttp,
    peerSettings: { DOMaxUploadBandwidth: 2048 },
    priority: "foreground",
    from: "InternetPeer",
    limit: 2048 * kilo
  },
  {
    name: "lan-peer",
    what: "from a LAN peer, which no limit of the line concerns",
    settings: { ...noHttp, DOMaxForegroundDownloadBandwidth: 256 },
    peerSettings: { DOMaxUploadBandwidth: 256 },
    priority: "foreground",
    from: "LanPeer",
    limit: 256 * kilo
  }
]
