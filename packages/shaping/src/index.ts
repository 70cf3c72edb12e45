export * as TokenBucket from "./TokenBucket.ts"
