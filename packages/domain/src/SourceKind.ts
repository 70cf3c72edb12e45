/** Where bytes come from. Every byte is counted once, under one of these. Source: spec.md §8.1, F132, F133. */
import { Schema } from "effect"
import type { PeerKind } from "./Peer.ts"

export const SourceKind = Schema.Literals([
  "Origin",
  "CacheServer",
  "LinkLocal",
  "Lan",
  "Group",
  "Internet",
  "LocalCache"
])
export type SourceKind = typeof SourceKind.Type

export const isPeer = (kind: SourceKind): kind is PeerKind =>
  kind === "LinkLocal" || kind === "Lan" || kind === "Group" || kind === "Internet"

/** Bytes by kind of source. */
export const BytesBySource = Schema.Record(SourceKind, Schema.Natural)
export type BytesBySource = typeof BytesBySource.Type

export const noBytes: BytesBySource = {
  Origin: 0,
  CacheServer: 0,
  LinkLocal: 0,
  Lan: 0,
  Group: 0,
  Internet: 0,
  LocalCache: 0
}

export const addBytes = (self: BytesBySource, kind: SourceKind, bytes: number): BytesBySource => ({
  ...self,
  [kind]: self[kind] + bytes
})

export const total = (self: BytesBySource): number => Object.values(self).reduce((sum, n) => sum + n, 0)

export const fromPeers = (self: BytesBySource): number => self.LinkLocal + self.Lan + self.Group + self.Internet
