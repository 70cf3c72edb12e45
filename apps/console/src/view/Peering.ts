/** How the downloads went that could have had peers, and what to look at where they had none. */
import type { Sums } from "@piecework/reports/Views"

export interface Outcome {
  readonly label: string
  readonly count: number
  /** What it means and what to do. */
  readonly advice: string
  /** A CSS colour. */
  readonly color: string
}

type Counts = Pick<
  Sums,
  "PeerEligibleTransfers" | "PeersSuccessCount" | "NoPeersCount" | "PeersCannotConnectCount" | "PeersUnknownCount"
>

/** They sum up to the downloads in a mode with peers. */
export const outcomes = (of: Counts): ReadonlyArray<Outcome> => [
  {
    label: "had bytes from peers",
    count: of.PeersSuccessCount,
    color: "var(--grade-good)",
    advice: "Some of the file came from another device."
  },
  {
    label: "met no peers",
    count: of.NoPeersCount,
    color: "var(--grade-none)",
    advice:
      "The service named nobody: the first device of a site that fetches a file, or a group or site with one device."
  },
  {
    label: "could not connect",
    count: of.PeersCannotConnectCount,
    color: "var(--grade-error)",
    advice: "Peers were named and none was reached: look at port 7680 between the devices, with piecework doctor."
  },
  {
    label: "got nothing from peers",
    count: of.PeersUnknownCount,
    color: "var(--grade-warning)",
    advice:
      "They were connected and brought nothing in time, or it is not known; piecework explain on the device tells why."
  }
]

/** Names of the modes by their numbers. Source: spec.md §2.1. */
const modes: Readonly<Record<number, string>> = {
  0: "HTTP only",
  1: "LAN",
  2: "Group",
  3: "Internet",
  99: "Simple",
  100: "Bypass"
}

/** "Group (2)". */
export const modeName = (mode: number | undefined): string =>
  mode === undefined ? "not known" : `${modes[mode] ?? "mode"} (${mode})`
