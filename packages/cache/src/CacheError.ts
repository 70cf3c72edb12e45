/** The ways in which keeping, giving back and handing out content fails. */
import { ContentId } from "@piecework/domain/Content"
import { PieceIndex } from "@piecework/domain/PieceLayout"
import { Schema } from "effect"

/** The disk of the cache refused, or the pool that hashes failed. */
export class CacheError extends Schema.TaggedError<CacheError>()("CacheError", {
  operation: Schema.Literals(["open", "load", "put", "read", "verify", "list", "remove", "keep"]),
  /**
   * The system's own word for it: ENOSPC, EACCES, EIO, … Three are also ours: EBUSY (the content is open), ELOOP (a
   * link lies where a file of the cache should) and EBADF (used after its scope was closed). Absent when it was not
   * the system that failed.
   */
  code: Schema.optionalKey(Schema.String),
  contentId: Schema.optionalKey(ContentId),
  cause: Schema.Defect()
}) {
  override get message(): string {
    switch (this.code) {
      case "ENOSPC":
      case "EDQUOT":
        return "The disk that holds the cache is full; free some space or give the cache another folder."
      case "EACCES":
      case "EPERM":
        return `There is no permission to ${verbs[this.operation]} the cache: ${textOf(this.cause)}`
      case "EROFS":
        return "The cache lies on a file system that cannot be written; give it another folder."
      case "ELOOP":
        return `A link lies where the cache keeps a file of its own; look who put it there and delete it: ${textOf(this.cause)}`
      case "EBUSY":
        return `The content${this.contentId === undefined ? "" : ` ${this.contentId}`} is in use; wait until it is not.`
      default:
        return `The cache could not ${verbs[this.operation]}: ${textOf(this.cause)}`
    }
  }
}

/** The piece is not held, or turned out to be bad when it was looked at. */
export class NotHeld extends Schema.TaggedError<NotHeld>()("NotHeld", { piece: PieceIndex }) {
  override get message(): string {
    return `Piece ${this.piece} is not in the cache.`
  }
}

/** The content did not get to its destination; nothing was left there, and what had been there is untouched. */
export class ExportError extends Schema.TaggedError<ExportError>()("ExportError", {
  /** The destination as the caller named it. */
  path: Schema.String,
  /** Exists: a file or folder of that name. NoFolder: no folder to put it in. Incomplete: a piece is missing. Mismatch: other bytes. */
  reason: Schema.Literals(["Exists", "NoFolder", "Denied", "DiskFull", "Incomplete", "Mismatch", "Failed"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    switch (this.reason) {
      case "Exists":
        return `${this.path} exists already; choose another name.`
      case "NoFolder":
        return `The folder of ${this.path} does not exist; make it first.`
      case "Denied":
        return `There is no permission to write ${this.path}.`
      case "DiskFull":
        return `The disk that holds ${this.path} is full; free some space and try again.`
      case "Incomplete":
        return `${this.path} was not written, because not every piece of it is held and verified.`
      case "Mismatch":
        return `${this.path} was not written, because its bytes are not those of the content that was asked for.`
      case "Failed":
        return `${this.path} could not be written${this.cause === undefined ? "" : `: ${textOf(this.cause)}`}.`
    }
  }
}

const verbs: { readonly [O in CacheError["operation"]]: string } = {
  open: "open",
  load: "read",
  put: "write to",
  read: "read",
  verify: "read",
  list: "list",
  remove: "delete from",
  keep: "write to"
}

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
