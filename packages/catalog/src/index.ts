export * as Catalog from "./Catalog.ts"
export * as ContentPolicyHandlers from "./ContentPolicyHandlers.ts"
export * as Publisher from "./Publisher.ts"
