export * as TestPostgres from "./TestPostgres.ts"
