/** What a download looks like at one moment, and what it was when it is over. Sizes are bytes. */
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import type { BytesBySource } from "@piecework/domain/SourceKind"
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { PeerId, PeerKind } from "@piecework/domain/Peer"
import type { Holding } from "@piecework/shaping/Shaper"
import type { CacheView } from "./CacheView.ts"
import type { Fallback } from "./DownloadError.ts"
import type { Waste } from "./Tally.ts"

export interface Progress {
  /**
   * `Starting`: asks the services and the origin; `Checking`: waits for another download of the content to end, hashes
   * what the cache holds; `Fetching`; `Writing`: the
   * destination is made from the cache; `Done`.
   */
  readonly phase: "Starting" | "Checking" | "Fetching" | "Writing" | "Done"
  readonly mode: DownloadMode
  /** While no source has answered yet: what the origin failed with, which is asked again. */
  readonly retrying?: string | undefined
  /**
   * While HTTP is kept waiting so that peers come first: from how many milliseconds after the start it may be taken; `null` is
   * while there is a cache server.
   */
  readonly httpAfterMillis?: number | null | undefined
  /**
   * The limit that holds the download back now, with the setting that says it; without a setting it gives way to a foreground
   * download of this device.
   */
  readonly limit?: Holding | undefined
  /** Which cache server is asked, or why none is; `undefined` where nobody looks for any. */
  readonly cache?: CacheView | undefined
  /** Why this mode; `undefined` while it is not settled. */
  readonly why: Fallback | undefined
  /** `undefined` while it is not known. */
  readonly contentId?: ContentId | undefined
  /** `undefined` while no source has said it. */
  readonly fileBytes: number | undefined
  /** Bytes that were asked for: those of the ranges, or of the whole; of an open content what was read and is read ahead, or the whole. */
  readonly requestedBytes: number | undefined
  /** Of the requested bytes those in pieces that are held and verified (in Simple mode: written, or handed out). */
  readonly heldBytes: number
  /** Content bytes that came in, those of unfinished pieces included. */
  readonly received: BytesBySource
  /** Of these what is neither held nor under way any more; while it goes on also what is under way. */
  readonly wasted?: number | undefined
  /** Content bytes sent to peers. */
  readonly sent: number
  /** Peers connected now. */
  readonly peers: number
  /** Most peers that the service or the local network named at once; `undefined` before either has. */
  readonly named?: number | undefined
  /** Sessions with peers so far, by how near the peers were. */
  readonly connections: { readonly [K in PeerKind]: number }
  readonly banned: ReadonlyArray<PeerId>
}

export interface DownloadResult {
  readonly url: ContentUrl
  /** Where the file is. */
  readonly path: string
  /** In Simple mode where only parts were asked for: the one that those are by themselves. */
  readonly contentId: ContentId
  /** Base64, as in the pieces hash file. */
  readonly hashOfHashes: string
  /** Of the whole content, also where only parts were asked for. */
  readonly fileBytes: number
  /** Bytes at the destination. */
  readonly requestedBytes: number
  readonly mode: DownloadMode
  readonly why: Fallback
  /** Bytes of the file by where they came from; their sum is `fileBytes`, or, of parts, the bytes of the pieces that these lie in. */
  readonly bytes: BytesBySource
  /** Content bytes that came in; their sum is that of `bytes` and of `waste`. */
  readonly received: BytesBySource
  readonly waste: Waste
  readonly sent: number
  readonly banned: ReadonlyArray<PeerId>
  /** Most peers that were connected at once. */
  readonly peers: number
  /** Which cache server was asked at last, or why none was; `undefined` where nobody looks for any. */
  readonly cache?: CacheView | undefined
  readonly durationMillis: number
}
