export * as Fills from "./Fills.ts"
