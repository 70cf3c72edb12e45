/** What the cache and the exporter say, in the words of a download. */
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
    case "Exists":
    case "NoFolder":
    case "Denied":
    case "DiskFull":
      return new DestinationError({ path: error.path, reason: error.reason })
    case "Failed":
      return new DestinationError({ path: error.path, reason: "Failed", detail: error.message })
    case "Incomplete":
      // Every piece was verified when it came, so one of them went bad on this disk since.
      return new StorageError({ reason: "Failed", detail: error.message })
  }
}
