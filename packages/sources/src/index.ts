export * as HttpClient from "./HttpClient.ts"
export * as HttpClientConfig from "./HttpClientConfig.ts"
export * as Origin from "./Origin.ts"
export * as PieceSource from "./PieceSource.ts"
