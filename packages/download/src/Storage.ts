/** What the cache and the exporter say, in the words of a download. */
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import type { CacheError, ExportError } from "@piecework/cache/CacheError"
import { DestinationError, StorageError } from "./DownloadError.ts"

export const fromCache = (error: CacheError): StorageError => {
  const detail = error.message
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
      return new StorageError({ reason: "DiskFull", detail })
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new StorageError({ reason: "Denied", detail })
    default:
      return new StorageError({ reason: "Failed", detail })
  }
}

export const fromExport = (error: ExportError): DestinationError | StorageError => {
  switch (error.reason) {
    case "NoFolder":
      // Such as /proc: the folder is there and says of any new name that it is not.
      return existsSync(dirname(error.path))
        ? new DestinationError({ path: error.path, reason: "Failed", detail: "its folder takes no new files" })
        : new DestinationError({ path: error.path, reason: "NoFolder" })
    case "Exists":
    case "Denied":
    case "DiskFull":
      return new DestinationError({ path: error.path, reason: error.reason })
    case "Failed":
      return new DestinationError({ path: error.path, reason: "Failed", detail: error.message })
    case "Mismatch":
    case "Incomplete":
      // Every piece was verified when it came, so one of them went bad on this disk since.
      return new StorageError({ reason: "Failed", detail: error.message })
  }
}
