/** What is asked of a download. */
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import type { Priority } from "@piecework/policy/Facts"
import type { ByteRange } from "./ByteRanges.ts"
import type { RequestHeaders } from "@piecework/sources/RequestHeaders"
import type { Fallback } from "./DownloadError.ts"
import type { NamedHashes } from "./NamedHashes.ts"

/** Who asked for a download, for whoever wants to know later: by which door, as which job, and what the caller calls it. */
export interface Asker {
  readonly door: "get" | "job" | "proxy" | "open"
  readonly job?: string | undefined
  readonly name?: string | undefined
}

export interface DownloadRequest {
  readonly url: ContentUrl
  /** Which content that is, when the caller knows: any other bytes are refused, and its hashes need no service. */
  readonly contentId?: ContentId | undefined
  /** Where its hashes lie, when the caller knows: they are used whatever the services say, and need none. */
  readonly hashes?: NamedHashes | undefined
  /** Whether bytes that nothing vouches for are refused. Default false. */
  readonly mustVerify?: boolean | undefined
  /** Where the same file was asked for before: what came from there counts, if it is the same by validator and length. */
  readonly formerUrls?: ReadonlyArray<ContentUrl> | undefined
  /** Where the file shall appear, whole or not at all. */
  readonly path: string
  /** What its place is called in messages and records, when the file goes on from `path`. Default `path`. */
  readonly destination?: string | undefined
  /** Whether the caller has looked at the place just now, so that nobody has to before the first byte. Default false. */
  readonly isPlaceSeen?: boolean | undefined
  readonly mode: DownloadMode
  /** Default `get`, and nothing more. */
  readonly asker?: Asker | undefined
  /** Whether a person waits for it. Default "Foreground". */
  readonly priority?: Priority | undefined
  /** Why it is this mode, where that is not just what was asked for. */
  readonly why?: Fallback | undefined
  /** Replaces a file that is there. Default false. */
  readonly overwrite?: boolean | undefined
  /** Shares the cache's file with the destination where the file system can. Default false: a copy. */
  readonly link?: boolean | undefined
  /**
   * Only these parts: the file then holds their bytes, one after the other, in this order. None twice, and none behind the end.
   * Default, and an empty list: the whole content.
   */
  readonly ranges?: ReadonlyArray<ByteRange> | undefined
  /** Other URLs of the same content, at most 16: asked beside the first one, or when that is gone. */
  readonly others?: ReadonlyArray<ContentUrl> | undefined
  /** Headers that go with the requests for the content, to the server of `url` alone but for harmless ones; see `Access` of sources. */
  readonly headers?: RequestHeaders | undefined
  /** Headers that go there as well, once the server of `url` asks who we are (401). */
  readonly authHeaders?: RequestHeaders | undefined
  /** Whether redirects may lead from https to http. Default: what the settings of the client say, which is no. */
  readonly allowInsecureRedirect?: boolean | undefined
}

/** What is asked of a content that is to be read while it arrives. */
export interface OpenRequest extends Omit<DownloadRequest, "path" | "overwrite" | "link" | "ranges"> {
  /** Beside it the pieces lie meanwhile where the disk of the cache has no room. Default: no such place. */
  readonly path?: string | undefined
  /** Whether what nobody reads is fetched as well, after what is read. Default true. */
  readonly isWhole?: boolean | undefined
}

export const priorityOf = ({ priority }: Pick<DownloadRequest, "priority">): Priority => priority ?? "Foreground"

/** Who asked, for those who look at the device's files: what a job is called, else by which way it came. */
export const callerOf = ({ asker }: Pick<DownloadRequest, "asker">): string =>
  asker?.name?.slice(0, 256) ?? callers[asker?.door ?? "get"]

const callers: { readonly [D in Asker["door"]]: string } = {
  get: "piecework get",
  job: "job",
  proxy: "proxy",
  open: "program"
}
