/** Which sources a download may use. Source: spec.md §2.1. */
import { Schema } from "effect"

export const DownloadMode = Schema.Literals(["HttpOnly", "Lan", "Group", "Internet", "Simple", "Bypass"])
export type DownloadMode = typeof DownloadMode.Type

/** The number each mode has in settings and on the wire (`Scope`). */
export const numbers = {
  HttpOnly: 0,
  Lan: 1,
  Group: 2,
  Internet: 3,
  Simple: 99,
  Bypass: 100
} as const satisfies { readonly [M in DownloadMode]: number }

export const fromNumber = (n: number): DownloadMode | undefined =>
  DownloadMode.literals.find((mode) => numbers[mode] === n)

/** Whether the mode asks the cloud services about a content. */
export const usesServices = (mode: DownloadMode): boolean => mode !== "Simple" && mode !== "Bypass"

/** Whether the mode takes pieces from peers, and gives them. */
export const usesPeers = (mode: DownloadMode): mode is "Lan" | "Group" | "Internet" =>
  mode === "Lan" || mode === "Group" || mode === "Internet"

/** Why a download ran in the mode it ran in. Source: spec.md §2.2 for the automatic fallbacks to Simple. */
export const ModeReason = Schema.Literals([
  /** The mode that was asked for, or the default. */
  "Requested",
  /** No service is set up. */
  "NoService",
  /** The cloud services could not be reached in time. */
  "ServiceUnreachable",
  /** A cloud service answered, but not with what the contract says. */
  "ServiceUnintelligible",
  /** The service serves enrolled devices, and this one is not, or no more. */
  "NotEnrolled",
  /** The service's answer is not signed by a key that is trusted here. */
  "NotSigned",
  /** The service does not know this content. */
  "ContentUnknown",
  /** The device takes no part in peering: too little memory or disk, or a VPN. */
  "NotEligible",
  /** The content's policy forbids peers. */
  "PeersForbidden",
  /** The pieces hash file could not be fetched. */
  "PhfMissing",
  /** The pieces hash file is not the one the service vouched for. */
  "PhfMismatch",
  /** The pieces hash file is malformed. */
  "PhfInvalid",
  /** The pieces hash file has a version this client does not read. */
  "PhfVersion",
  /** The content is smaller than the least size worth asking about. */
  "TooSmall"
])
export type ModeReason = typeof ModeReason.Type
