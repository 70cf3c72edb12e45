/** How much is told of the figures of a device. */

/** Most peers of one content that are told. */
export const mostPeers = 1000

/** Most files that are told; the latest. */
export const mostFiles = 10_000

/** How many peers of each content are told where nobody says. Source: spec.md §8.1, SelectPeerCount. */
export const usualPeers = 5
