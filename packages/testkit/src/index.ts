export * as TestCacheHosts from "./TestCacheHosts.ts"
export * as TestOrigin from "./TestOrigin.ts"
export * as TestPeer from "./TestPeer.ts"
export * as World from "./World.ts"
