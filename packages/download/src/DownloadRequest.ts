/** What is asked of a download. */
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import type { Priority } from "@piecework/policy/Facts"
import type { Fallback } from "./DownloadError.ts"

export interface DownloadRequest {
  readonly url: ContentUrl
  /** Which content that is, when the caller knows: any other bytes are refused, and its hashes need no service. */
  readonly contentId?: ContentId | undefined
  /** Where the file shall appear, whole or not at all. */
  readonly path: string
  readonly mode: DownloadMode
  /** Whether a person waits for it. Default "Foreground". */
  readonly priority?: Priority | undefined
  /** Why it is this mode, where that is not just what was asked for. */
  readonly why?: Fallback | undefined
  /** Replaces a file that is there. Default false. */
  readonly overwrite?: boolean | undefined
  /** Shares the cache's file with the destination where the file system can. Default false: a copy. */
  readonly link?: boolean | undefined
}

export const priorityOf = ({ priority }: DownloadRequest): Priority => priority ?? "Foreground"
