export * as CacheHost from "./CacheHost.ts"
export * as CacheHosts from "./CacheHosts.ts"
export * as Choice from "./Choice.ts"
export * as Hosts from "./Hosts.ts"
