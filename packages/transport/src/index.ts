export * as ByteStream from "./ByteStream.ts"
export * as LocalAddress from "./LocalAddress.ts"
export * as MemoryNetwork from "./MemoryNetwork.ts"
export * as Transport from "./Transport.ts"
