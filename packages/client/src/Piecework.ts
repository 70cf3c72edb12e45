/** Downloads by the agent of this device, in a call: as effects and streams here, as promises and async iterables in `promises`. */
export { download, type DownloadError, type DownloadOptions } from "./Download.ts"
export { open, type OpenError, type OpenOptions, read } from "./Open.ts"
export * as promises from "./Promises.ts"
