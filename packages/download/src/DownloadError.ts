/** The ways in which a download ends without its file. None of them leaves anything at the destination. */
import { ModeReason } from "@piecework/domain/DownloadMode"
import { isNamedBy, isRefusal } from "@piecework/sources/CacheServerId"
import type { SourceError } from "@piecework/sources/PieceSource"
import { Schema } from "effect"

/** The destination cannot be written; known before the first byte is fetched where it can be. */
export class DestinationError extends Schema.TaggedError<DestinationError>()("DestinationError", {
  path: Schema.String,
  reason: Schema.Literals(["Exists", "NoFolder", "NotAFile", "NameTooLong", "Denied", "DiskFull", "NoRoom", "Failed"]),
  /** Of NoRoom: the numbers. */
  detail: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    switch (this.reason) {
      case "Exists":
        return `${this.path} exists already; choose another name or pass --overwrite.`
      case "NoFolder":
        return `The folder of ${this.path} does not exist; make it first.`
      case "NotAFile":
        return `${this.path} is a folder; give the name of a file.`
      case "NameTooLong":
        return `The name of ${this.path} is too long for its file system; choose a shorter one.`
      case "Denied":
        return `There is no permission to write ${this.path}.`
      case "NoRoom":
        return `The disk has no room for ${this.path} (${this.detail ?? "it is full"}); free some space or choose another folder.`
      case "DiskFull":
        return `The disk that holds ${this.path} is full; free some space and run the same command again.`
      case "Failed":
        return `${this.path} could not be written${this.detail === undefined ? "" : `: ${this.detail}`}.`
    }
  }
}

/** The cache, in which pieces are kept while they arrive, cannot be written. */
export class StorageError extends Schema.TaggedError<StorageError>()("StorageError", {
  /** NoRoom: told before anything is fetched; `detail` has the numbers. */
  reason: Schema.Literals(["DiskFull", "NoRoom", "Denied", "Failed"]),
  detail: Schema.String
}) {
  override get message(): string {
    switch (this.reason) {
      case "DiskFull":
        return "The disk that holds the cache is full; free some space or choose another folder with --state."
      case "NoRoom":
        return `The disk that holds the cache has no room for the file (${this.detail}); free some space or choose another folder with --state.`
      case "Denied":
        return `There is no permission to write the cache (${this.detail}); choose another folder with --state.`
      case "Failed":
        return `The cache failed: ${this.detail}`
    }
  }
}

/** No source is left that could deliver the missing pieces. */
export class NoSourceError extends Schema.TaggedError<NoSourceError>()("NoSourceError", {
  url: Schema.String,
  /**
   * What was last said, as `SourceError` names it; `BadPieces` for bytes that are not the published ones; `CacheRefused` when a cache
   * server refuses the content and the settings allow nobody else. Source: spec.md §7.3.
   */
  reason: Schema.String,
  /** It was no origin but a cache server: `Alone` where the settings keep the download from the origin for good. */
  cacheServer: Schema.optionalKey(Schema.Literals(["BeforeOrigin", "Alone"])),
  /** The origin's HTTP status, where it gave one. */
  status: Schema.optionalKey(Schema.Int),
  /** What is wrong, in words without the URL and without a full stop. */
  detail: Schema.optionalKey(Schema.String),
  /** Of Unreachable: it was the name of the server that led nowhere. */
  isUnresolved: Schema.optionalKey(Schema.Boolean)
}) {
  /** `error` is what the source said; without one the origin said nothing in time. `isAlone`: only cache servers may be asked. */
  static readonly from = (url: string, error: SourceError | undefined, isAlone = false): NoSourceError => {
    const isOfCache = error !== undefined && isNamedBy(error.source)
    const cacheServer = isOfCache ? (isAlone ? "Alone" : "BeforeOrigin") : undefined
    return new NoSourceError({
      url,
      reason: cacheServer === "Alone" && isRefusal(error?.status) ? "CacheRefused" : (error?.reason ?? "TimedOut"),
      detail: error?.description ?? "the origin did not answer in time",
      ...(cacheServer === undefined ? {} : { cacheServer }),
      ...(error?.status === undefined ? {} : { status: error.status }),
      ...(error?.isUnresolved === true ? { isUnresolved: true } : {})
    })
  }

  override get message(): string {
    return this.cacheServer === undefined ? this.ofOrigin : this.ofCacheServer
  }

  private get ofCacheServer(): string {
    if (this.cacheServer !== "Alone") return `No source delivers ${this.url}: of its cache server, ${this.what}.`
    switch (this.reason) {
      case "BadPieces":
        return `The bytes that the cache server sends for ${this.url} do not match the published hashes, ${alone}: have the cache server fetch the file anew, or allow the fallback.`
      case "CacheRefused":
        return `The cache server refuses ${this.url} (HTTP ${this.status ?? "4xx"}), ${alone}: have the cache server serve this origin, or allow the fallback.`
      case "ContentChanged":
        return `The file at the cache server is another one than was published or begun, ${alone}: ${this.url}. Run the command again, or allow the fallback.`
      default:
        return `The cache server does not deliver ${this.url}, ${alone}: ${this.what}.`
    }
  }

  /** What is wrong, without a full stop. */
  private get what(): string {
    return (this.detail ?? this.reason).replace(/\.+$/, "")
  }

  private get ofOrigin(): string {
    switch (this.reason) {
      case "BadPieces":
        return `The bytes that the origin sends for ${this.url} do not match the published hashes; publish the file anew, or put the published one back.`
      case "NotFound":
        return `The origin has no such file (HTTP ${this.status ?? 404}): ${this.url}. Check the URL.`
      case "Forbidden":
        return this.status === 401
          ? `The origin wants a login for this file (HTTP 401): ${this.url}. Give one that it takes, in a header Authorization.`
          : `The origin forbids this file (HTTP ${this.status ?? 403}): ${this.url}. Check who may read it.`
      case "Refused":
        return `The origin refuses the request (HTTP ${this.status ?? "4xx"}): ${this.url}.`
      case "ContentChanged":
        return `The file at the origin is another one than was published or begun: ${this.url}. Run the command again, or publish it anew.`
      default:
        return `No source delivers ${this.url}: ${this.what}.`
    }
  }
}

const alone = "and the settings forbid the origin (a fallback delay of -1)"

/** Nothing arrived for too long. Source: spec.md §3.4, 0x80D02002. */
export class NoProgressError extends Schema.TaggedError<NoProgressError>()("NoProgressError", {
  url: Schema.String,
  /** How long nothing arrived, in seconds. */
  seconds: Schema.Finite,
  /** What the last failure said. */
  last: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const last = this.last === undefined ? "" : ` Last failure: ${this.last}`
    return `Nothing arrived from ${this.url} for ${Math.round(this.seconds)} s; what was fetched is kept, run the same command to go on.${last}`
  }
}

/** Mode 100 has no meaning here, as on Windows 11. Source: spec.md §2.1, 0x80D03002. */
export class ModeError extends Schema.TaggedError<ModeError>()("ModeError", { mode: Schema.String }) {
  /** Microsoft's number for it. */
  readonly code = 0x80d03002
  override get message(): string {
    return `Download mode ${this.mode} is forbidden (0x80D03002); choose http-only, lan, group, internet or simple.`
  }
}

/** The operator of the service has taken the content back, before the download began or while it ran. */
export class HaltedError extends Schema.TaggedError<HaltedError>()("HaltedError", { url: Schema.String }) {
  override get message(): string {
    return `The service has halted ${this.url}: its operator wants nobody to have it at present. Ask them, or run the same command when it is resumed.`
  }
}

/** The caller takes checked bytes only, and there is nothing to check them against. */
export class UnverifiableError extends Schema.TaggedError<UnverifiableError>()("UnverifiableError", {
  url: Schema.String,
  /** Why there are no hashes. */
  reason: ModeReason,
  detail: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const why = this.detail === undefined ? "" : ` (${this.detail.replace(/\.+$/, "")})`
    return `The bytes of ${this.url} cannot be checked against anything${why}; name hashes that can be had, or do without the check.`
  }
}

/** The parts that were asked for cannot be had of any content, or not of this one. Source: spec.md §3.8, 0x80D05010 and 0x80D05012. */
export class RangesError extends Schema.TaggedError<RangesError>()("RangesError", {
  /** Invalid: numbers that name no part, or far too many. Overlapping: a byte was asked for twice. OutOfFile: behind the end. */
  reason: Schema.Literals(["Invalid", "Overlapping", "OutOfFile"]),
  /** Of the part that is wrong. */
  offset: Schema.Number,
  /** Of OutOfFile: bytes of the whole content. */
  size: Schema.optionalKey(Schema.Number)
}) {
  /** Microsoft's number for it. */
  get code(): number {
    return this.reason === "Overlapping" ? 0x80d05012 : 0x80d05010
  }
  override get message(): string {
    switch (this.reason) {
      case "Invalid":
        return `The part of the file at ${this.offset} is none; name whole numbers of bytes from 0 on, and at least one byte.`
      case "Overlapping":
        return `The part of the file at ${this.offset} was asked for twice; name each byte once.`
      case "OutOfFile":
        return `The file has no part at ${this.offset} of that length: it has ${this.size ?? 0} bytes.`
    }
  }
}

export type DownloadError =
  | DestinationError
  | StorageError
  | NoSourceError
  | NoProgressError
  | ModeError
  | HaltedError
  | UnverifiableError
  | RangesError

/** Why a download ran without peers, with what the failing side said. */
export class Fallback extends Schema.Class<Fallback>("@piecework/download/Fallback")({
  reason: ModeReason,
  detail: Schema.optionalKey(Schema.String)
}) {}
