/** How a cache node is, in a word with its colour, and what to do about it. Pure. */
import type { NodeRecord } from "@piecework/cloud/CacheNodeAdminRpcs"
import type { Tone } from "../../parts/Tag.tsx"

export interface Look {
  readonly word: string
  readonly tone: Tone
  /** Nothing where nothing is to be done. */
  readonly advice: string | undefined
}

export const of = ({ health, lastHeartbeat, settings }: NodeRecord): Look => {
  switch (health) {
    case "NeverSeen":
      return { word: "Never seen", tone: "none", advice: "Deploy it: its machine enrols with a token made here." }
    case "Silent":
      return {
        word: "Silent",
        tone: "error",
        advice: "No heartbeat for 24 hours: look whether its machine runs and reaches the service."
      }
    case "Failed":
      return { word: "Failed", tone: "error", advice: "It says that it cannot serve; its issues say why." }
    case "Healthy":
      if (!settings.isEnabled) return { word: "Switched off", tone: "warning", advice: undefined }
      return (lastHeartbeat?.issues.length ?? 0) > 0
        ? { word: "Healthy, with issues", tone: "warning", advice: undefined }
        : { word: "Healthy", tone: "good", advice: undefined }
  }
}
