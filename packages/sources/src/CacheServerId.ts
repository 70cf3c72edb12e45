/** How a source is told to be a cache server, and what it says to be a refusal, without what it takes to ask one. */
import type { SourceId } from "./PieceSource.ts"

/** What the names of cache servers begin with, as sources: what follows is scheme, host and port. */
export const prefix = "cache:"

/** Whether a source of this name is a cache server. */
export const isNamedBy = (id: SourceId): boolean => id.startsWith(prefix)

/** A 4xx, but not of one that has too much to do or lacks a part of the file: it says nothing about the origin. */
export const isRefusal = (status: number | undefined): status is number =>
  status !== undefined && status >= 400 && status < 500 && !passing.has(status)

const passing: ReadonlySet<number> = new Set([408, 416, 429])
