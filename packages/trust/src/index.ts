export * as Audit from "./Audit.ts"
