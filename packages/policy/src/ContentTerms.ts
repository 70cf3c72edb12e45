/**
 * What a publisher says of one content, in the words of settings: for this content it is a provider, stronger than what the
 * service says to all, weaker than what the device's own files say. Source: spec.md §4.3, Policies.
 */
import type { Said } from "./Policy.ts"
import { kibibyte } from "./Units.ts"

export interface ContentTerms {
  /** Bytes a second below which a foreground download takes more from HTTP. No setting says that. */
  readonly foregroundQos?: number | undefined
  /** The same for background downloads, which DOMinBackgroundQos says as well. */
  readonly backgroundQos?: number | undefined
  /** Seconds. */
  readonly maxCacheAge?: number | undefined
}

export const none: ContentTerms = {}

export const said = ({ backgroundQos, maxCacheAge }: ContentTerms): Said => ({
  provider: "ContentPolicy",
  values: {
    ...(backgroundQos === undefined || backgroundQos <= 0
      ? {}
      : { DOMinBackgroundQos: Math.ceil(backgroundQos / kibibyte) }),
    ...(maxCacheAge === undefined ? {} : { DOMaxCacheAge: maxCacheAge })
  }
})
