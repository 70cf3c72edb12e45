export * as ReachConfig from "./ReachConfig.ts"
export * as ReachHandlers from "./ReachHandlers.ts"
export * as ReachLimits from "./ReachLimits.ts"
