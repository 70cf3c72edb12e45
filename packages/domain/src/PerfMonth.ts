/**
 * What a device downloaded and sent in this calendar month, by the device's own clock and time zone, all its processes together.
 * Source: spec.md §8.1, Get-DeliveryOptimizationPerfSnapThisMonth.
 */
import { Schema } from "effect"

/** Bytes. */
const bytes = Schema.Natural

export const PerfMonth = Schema.Struct({
  /** The first moment of the month, as ISO 8601. */
  MonthStartDate: Schema.String.check(Schema.isMaxLength(32)),
  /** From origins, without what cache servers sent. */
  DownloadHttpBytes: bytes,
  DownloadCacheHostBytes: bytes,
  DownloadLanBytes: bytes,
  DownloadLinkLocalBytes: bytes,
  DownloadGroupBytes: bytes,
  DownloadInternetBytes: bytes,
  UploadLanBytes: bytes,
  UploadLinkLocalBytes: bytes,
  UploadGroupBytes: bytes,
  UploadInternetBytes: bytes,
  /** Downloads that came to their end with a file. Not of Windows. */
  FilesDownloaded: Schema.Natural,
  /** Mean rate of downloads while bytes came, in kilobits of 1024 bits a second; 0 without any. */
  DownloadFgRateKbps: Schema.Finite,
  DownloadBgRateKbps: Schema.Finite,
  /** Most that Internet peers may be sent in a month, in bytes; 0 for no limit. */
  MonthlyUploadRestriction: bytes,
  /** Whether that is reached. */
  UploadLimitReached: Schema.Boolean
})
export type PerfMonth = typeof PerfMonth.Type
