/**
 * Which contents the service is told of, of those that nobody asked for lately: so many at a time, for some minutes each,
 * in the order in which they came. Invariant: whoever waits comes before everybody who had a turn after it began to wait, so
 * none starves. Source: spec.md §3.1, F091.
 */
import type { ContentId } from "@piecework/domain/Content"

export interface Turns {
  /** Whose turn it is, the longest first; with the epoch milliseconds from which others that wait may have its place. */
  readonly active: ReadonlyArray<{ readonly id: ContentId; readonly until: number }>
  /** In the order in which their turns come. */
  readonly waiting: ReadonlyArray<ContentId>
}

export const none: Turns = { active: [], waiting: [] }

export interface Rules {
  /** Contents at a time; at least 1. */
  readonly slots: number
  /** How long a turn lasts while others wait, in milliseconds. */
  readonly span: number
}

/** Whose turn it is now, of those contents. */
export const next = (turns: Turns, idle: ReadonlyArray<ContentId>, { slots, span }: Rules, now: number): Turns => {
  const there = new Set(idle)
  const active = turns.active.filter(({ id }) => there.has(id))
  const known = new Set([...active.map(({ id }) => id), ...turns.waiting])
  const queue = [...turns.waiting.filter((id) => there.has(id)), ...idle.filter((id) => !known.has(id))]
  const over = active.filter(({ until }) => until <= now).length
  const wanted = queue.length - (slots - active.length)
  const ending = Math.max(active.length - slots, Math.min(over, wanted), 0)
  const left = active.slice(0, ending)
  const staying = active.slice(ending)
  const begun = queue.slice(0, Math.max(0, slots - staying.length))
  return {
    active: [...staying, ...begun.map((id) => ({ id, until: now + span }))],
    waiting: [...queue.slice(begun.length), ...left.map(({ id }) => id)]
  }
}

/** About when the turn of one that waits begins, if nothing changes until then; epoch milliseconds. */
export const beginsAt = (
  { active, waiting }: Turns,
  id: ContentId,
  { span }: Rules,
  now: number
): number | undefined => {
  const position = waiting.indexOf(id)
  const ends = active.map(({ until }) => Math.max(now, until))
  const end = ends[position % ends.length]
  return position < 0 || end === undefined ? undefined : end + Math.floor(position / ends.length) * span
}
