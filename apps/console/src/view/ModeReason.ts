/** Why a download ran in the mode it ran in, in a sentence. */
import type { ModeReason } from "@piecework/domain/DownloadMode"

const sentences: Readonly<Record<ModeReason, string>> = {
  Requested: "It is the mode that was asked for, or the default.",
  NoService: "No service is set up on the device.",
  ServiceUnreachable: "The device did not reach the service in time.",
  ServiceUnintelligible: "Something else answered in place of the service.",
  NotEnrolled: "The service serves enrolled devices, and this one is not, or no more.",
  NotSigned: "The service's answer is not signed by a key that the device trusts.",
  ContentUnknown: "The service does not know the content: it is not published, or not to this device.",
  NotEligible: "The device takes no part in peering: too little memory or disk, or a VPN.",
  PeersForbidden: "The content's policy forbids peers.",
  PhfMissing: "The content's pieces hash file could not be fetched.",
  PhfMismatch: "The pieces hash file is not the one that the service vouched for.",
  PhfInvalid: "The pieces hash file is malformed.",
  PhfVersion: "The pieces hash file has a version that the device does not read.",
  TooSmall: "The file is smaller than the least size worth asking about."
}

/** Of a reason that a later version gives it says the word. */
export const sentenceOf = (reason: string): string => {
  if (reason === "") return "The device did not say why."
  return Object.hasOwn(sentences, reason) ? sentences[reason as ModeReason] : reason
}
