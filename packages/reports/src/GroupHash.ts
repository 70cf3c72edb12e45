/**
 * What reports call a group: the first 8 bytes of SHA-256(salt ‖ group id) as hex digits. The salt is the service's own and never leaves
 * it, so that nobody can tell by trying which id is meant. Source: spec.md §8.3 (GroupID, hashed); what Microsoft hashes is not public.
 */
import { createHash } from "node:crypto"

export const of = (salt: Uint8Array, groupId: string): string =>
  createHash("sha256").update(salt).update(groupId, "utf8").digest("hex").slice(0, 16)
