/**
 * What one download decided and why, as it is kept: a value, and its JSON of bounded size. Times are milliseconds since the download began,
 * sizes are bytes. URLs are here without their queries; headers and tokens are in none of it.
 */
import { DownloadMode, ModeReason } from "@piecework/domain/DownloadMode"
import { BytesBySource, SourceKind } from "@piecework/domain/SourceKind"
import { Result, Schema } from "effect"
import { maxBytes, maxText } from "./Bounds.ts"

const text = (most = maxText) => Schema.String.check(Schema.isMaxLength(most))
const natural = Schema.Natural
const counts = Schema.Record(text(64), natural).check(Schema.isMaxProperties(32))

/** One rule that forbids something, and the setting that decides, where one does. */
export const Verdict = Schema.Array(Schema.Struct({ setting: Schema.optionalKey(text(64)), sentence: text() })).check(
  Schema.isMaxLength(16)
)
export type Verdict = typeof Verdict.Type

const happening = <const Tag extends string, const F extends Schema.Struct.Fields>(tag: Tag, fields: F) =>
  Schema.TaggedStruct(tag, {
    ...fields,
    /** When it was so for the first time. */
    at: natural,
    /** How often, when more than once, and when last. */
    times: Schema.optionalKey(natural),
    last: Schema.optionalKey(natural)
  })

/** What happened, or was decided. */
export const Entry = Schema.Union([
  /** The mode it ran in. `detail` is what the failing side said. */
  happening("Mode", { mode: DownloadMode, reason: ModeReason, detail: Schema.optionalKey(text(1024)) }),
  /** Only in Group mode: which group, and the setting that it is from. */
  happening("Group", { id: text(128), setting: text(64) }),
  /** A service was asked. `answer` is "Answered", or the reason of its failure. */
  happening("Asked", { role: text(32), answer: text(64), detail: Schema.optionalKey(text()) }),
  /** Where the service sees this device: devices of one address are a site. */
  happening("Seen", { externalIp: text(64) }),
  /** So many peers were named at once. */
  happening("Offered", { from: Schema.Literals(["Service", "Lan"]), peers: natural }),
  /** HTTP to the origin is held back until then (`null`: for good), by these settings; or it is allowed, and why. */
  happening("HttpHeld", {
    until: Schema.NullOr(natural),
    settings: Schema.Array(text(64)).check(Schema.isMaxLength(4))
  }),
  happening("HttpAllowed", { why: Schema.Literals(["NoDelay", "DelayOver", "Changed"]) }),
  /** Below this rate, in bytes a second, the origin is asked for what others are to bring; `null`: no such rate. */
  happening("Floor", { rate: Schema.NullOr(Schema.Finite) }),
  /** Which cache server is asked, or why none: a word, and the sentence for people. */
  happening("Cache", { reason: text(32), host: Schema.optionalKey(text(256)), sentence: text() }),
  /** A limit began to hold it back: bytes a second, and the setting; without one it gives way to another download. */
  happening("Limit", { rate: Schema.Finite, setting: Schema.optionalKey(text(64)) }),
  /** What keeps the device from having peers, and from sending to near ones and to those of the Internet. */
  happening("Permission", { peering: Verdict, near: Verdict, far: Verdict }),
  /** Leases: the first were given; or it went ahead without, for this reason; or they were lost. */
  happening("Leases", { state: Schema.Literals(["Given", "Without", "Lost"]), detail: Schema.optionalKey(text()) }),
  /** The source sends whole files only. */
  happening("WholeFiles", { source: text(256) }),
  /** So many bytes were in the cache already, or in a partial file. */
  happening("Resumed", { bytes: natural }),
  /** It waited for another download of the same content. */
  happening("InTurn", {}),
  /** All that had come was thrown away, and it began again. */
  happening("Again", { why: Schema.Literals(["ContentChanged", "BadPieces", "NextUrl"]) }),
  /** A source did not give what it was asked for. */
  happening("Failure", { source: text(256), reason: text(64), detail: Schema.optionalKey(text()) }),
  /** These settings have another value since. */
  happening("Changed", { settings: Schema.Array(text(64)).check(Schema.isMaxLength(64)) })
])
export type Entry = typeof Entry.Type

/** A setting as it was, by whom, and where that one says so. */
export const Setting = Schema.Struct({
  name: text(64),
  value: text(200),
  provider: text(32),
  place: Schema.optionalKey(text(1024))
})
export type Setting = typeof Setting.Type

/** A source of pieces, or a peer that was named; numbers are of pieces. */
export const Party = Schema.Struct({
  /** `origin:…`, `cache:…`, `peer:` and 40 hex digits; "others" for all that there is no line for. */
  name: text(256),
  kind: SourceKind,
  address: Schema.optionalKey(text(128)),
  /** Dials, and what they failed with, by the reasons of peers. */
  dials: Schema.optionalKey(natural),
  refused: Schema.optionalKey(counts),
  sessions: Schema.optionalKey(natural),
  /** What sessions ended with. */
  left: Schema.optionalKey(counts),
  banned: Schema.optionalKey(Schema.Boolean),
  /** Held now because of it. */
  brought: Schema.optionalKey(natural),
  bad: Schema.optionalKey(natural),
  /** Somebody else had brought them first. */
  duplicate: Schema.optionalKey(natural),
  /** Taken back while they were under way, by reason. */
  cancelled: Schema.optionalKey(counts),
  failed: Schema.optionalKey(counts)
})
export type Party = typeof Party.Type

export const Pieces = Schema.Struct({
  count: natural,
  size: natural,
  /** Adjacent pieces for which one mark stands: 1, or more where a large content would not fit. */
  grain: natural,
  /** How many pieces each source brought for which reason. */
  sums: Schema.Array(Schema.Struct({ source: natural, reason: text(32), pieces: natural })).check(
    Schema.isMaxLength(4096)
  ),
  /** From the first piece on: index of the party (-1: none yet) and of the reason in `reasons`, and for how many. */
  runs: Schema.Array(Schema.Tuple([Schema.Int, natural, natural])).check(Schema.isMaxLength(8192)),
  reasons: Schema.Array(text(32)).check(Schema.isMaxLength(32))
})
export type Pieces = typeof Pieces.Type

/** As the download's meter counts them. */
export const Figures = Schema.Struct({
  useful: BytesBySource,
  received: BytesBySource,
  waste: Schema.Struct({ bad: natural, duplicate: natural, cancelled: natural }),
  sent: natural,
  /** Sessions with peers so far. */
  connections: natural,
  /** Most peers connected at once. */
  peers: natural
})
export type Figures = typeof Figures.Type

export const End = Schema.Struct({
  at: natural,
  outcome: Schema.Literals(["Done", "Failed", "Stopped"]),
  /** Of one that failed: the name of its error, the number that Delivery Optimization has for it, if any, and the sentence. */
  error: Schema.optionalKey(text(64)),
  code: Schema.optionalKey(natural),
  sentence: Schema.optionalKey(text(1024))
})
export type End = typeof End.Type

export const Ledger = Schema.Struct({
  version: Schema.Literal(1),
  /** Epoch milliseconds. */
  began: natural,
  /** When this was written down. */
  at: natural,
  /** The process, by which one can tell whether it may still go on. */
  pid: natural,
  url: text(4096),
  path: Schema.optionalKey(text(4096)),
  /** By which door it was asked for ("get", "job", "proxy", "open"), by which job, and what the caller calls it. */
  door: text(16),
  job: Schema.optionalKey(text(64)),
  caller: Schema.optionalKey(text(256)),
  priority: Schema.Literals(["Foreground", "Background"]),
  /** What was asked for. */
  mode: DownloadMode,
  phase: text(16),
  contentId: Schema.optionalKey(text(64)),
  fileBytes: Schema.optionalKey(natural),
  requestedBytes: Schema.optionalKey(natural),
  heldBytes: natural,
  settings: Schema.Array(Setting).check(Schema.isMaxLength(128)),
  entries: Schema.Array(Entry).check(Schema.isMaxLength(1024)),
  /** Details that there was no room for. */
  dropped: natural,
  parties: Schema.Array(Party).check(Schema.isMaxLength(512)),
  pieces: Schema.optionalKey(Pieces),
  figures: Figures,
  end: Schema.optionalKey(End)
})
export type Ledger = typeof Ledger.Type

/** The text is no ledger of this version. */
export class LedgerError extends Schema.TaggedError<LedgerError>()("LedgerError", {
  reason: Schema.Literals(["TooLong", "NotALedger", "Newer"])
}) {
  override get message(): string {
    switch (this.reason) {
      case "TooLong":
        return `The file is longer than the ${maxBytes} bytes that a ledger may have.`
      case "NotALedger":
        return "The file is no ledger of a download."
      case "Newer":
        return "The ledger was written by a newer version of this program."
    }
  }
}

const decodeText = Schema.decodeUnknownResult(Schema.fromJsonString(Ledger))
const AnyVersion = Schema.fromJsonString(Schema.Struct({ version: natural }))
const decodeVersion = Schema.decodeUnknownResult(AnyVersion)

export const decode = (json: string): Result.Result<Ledger, LedgerError> => {
  if (Buffer.byteLength(json) > maxBytes) return Result.fail(new LedgerError({ reason: "TooLong" }))
  return Result.mapError(decodeText(json), () => {
    const version = decodeVersion(json)
    const isNewer = Result.isSuccess(version) && version.success.version > 1
    return new LedgerError({ reason: isNewer ? "Newer" : "NotALedger" })
  })
}
