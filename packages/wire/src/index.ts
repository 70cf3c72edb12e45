export * as Codec from "./Codec.ts"
export * as Handshake from "./Handshake.ts"
export * as Message from "./Message.ts"
export * as WireError from "./WireError.ts"
