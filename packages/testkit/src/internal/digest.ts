import { hash } from "node:crypto"

/** SHA-256 on this thread. */
export const digest = (bytes: Uint8Array): Uint8Array => hash("sha256", bytes, "buffer")
