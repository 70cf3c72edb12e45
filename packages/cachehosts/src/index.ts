export * as CacheHost from "./CacheHost.ts"
export * as CacheHosts from "./CacheHosts.ts"
