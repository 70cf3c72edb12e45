/** Why a download ran without peers, in words. */
import type { ModeReason } from "@piecework/domain/DownloadMode"

/** A reason, and what the failing side said. */
export interface Because {
  readonly reason: ModeReason
  readonly detail?: string | undefined
}

/** Each as part of a sentence. */
export const why: { readonly [R in ModeReason]: string } = {
  Requested: "as asked for",
  NoService: "no service is set; name one with --service to use peers",
  ServiceUnreachable: "the service could not be reached",
  ServiceUnintelligible: "what answered was no Piecework service",
  NotSigned: "the service's answer is not signed by its key",
  NotEnrolled: "this device is not enrolled at the service; see piecework enrol --help",
  ContentUnknown: "the service does not know this file; publish it to use peers",
  NotEligible: "this device takes no part in peering",
  PeersForbidden: "the file's policy forbids peers",
  PhfMissing: "its pieces hash file could not be fetched",
  PhfMismatch: "its pieces hash file is not the one the service vouched for",
  PhfInvalid: "its pieces hash file is malformed",
  PhfVersion: "its pieces hash file has an unknown version",
  TooSmall: "it is too small to ask peers for"
}

/** Whether somebody asked for peers and something that can be mended stood in the way. */
export const isAgainstTheWish = ({ reason }: Because): boolean =>
  !(["Requested", "NoService", "TooSmall", "PeersForbidden"] as ReadonlyArray<ModeReason>).includes(reason)

/** Without a full stop. What failed says it best; the word for it is said only when it adds to that. */
export const because = ({ detail, reason }: Because): string => {
  const exact = detail?.replace(/\.$/, "")
  if (exact === undefined || reason === "ContentUnknown" || reason === "TooSmall") return why[reason]
  const isSaid = said.has(reason)
  return isSaid ? `${exact.charAt(0).toLowerCase()}${exact.slice(1)}` : `${why[reason]} (${exact})`
}

/** Where what failed says all there is to say. */
const said: ReadonlySet<ModeReason> = new Set(["ServiceUnreachable", "ServiceUnintelligible", "NotEnrolled"])
