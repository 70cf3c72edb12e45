/** The states of a job, and what each call does in each of them. Source: spec.md §3.3 (numbers), §3.4 (state changes). */
import { Schema } from "effect"

export const JobState = Schema.Literals(["Created", "Transferring", "Transferred", "Finalized", "Aborted", "Paused"])
export type JobState = typeof JobState.Type

/** The numbers of the states in other interfaces of Delivery Optimization. */
export const numbers = {
  Created: 0,
  Transferring: 1,
  Transferred: 2,
  Finalized: 3,
  Aborted: 4,
  Paused: 5
} as const satisfies { readonly [S in JobState]: number }

export const calls = ["start", "pause", "finalize", "abort"] as const
export type JobCall = (typeof calls)[number]

/** `Invalid` is refused with `InvalidState`; `Nothing` succeeds and changes nothing. */
export type Move = "Begin" | "Resume" | "Pause" | "Finalize" | "Abort" | "Nothing" | "Invalid"

const table: { readonly [S in JobState]: { readonly [C in JobCall]: Move } } = {
  Created: { start: "Begin", pause: "Nothing", finalize: "Invalid", abort: "Abort" },
  Transferring: { start: "Nothing", pause: "Pause", finalize: "Invalid", abort: "Abort" },
  Transferred: { start: "Nothing", pause: "Nothing", finalize: "Finalize", abort: "Abort" },
  Paused: { start: "Resume", pause: "Nothing", finalize: "Invalid", abort: "Abort" },
  Finalized: { start: "Invalid", pause: "Invalid", finalize: "Nothing", abort: "Invalid" },
  Aborted: { start: "Invalid", pause: "Invalid", finalize: "Invalid", abort: "Nothing" }
}

export const move = (state: JobState, call: JobCall): Move => table[state][call]

/** Where a move leads; `undefined` for one that leads nowhere. */
export const after: { readonly [M in Move]: JobState | undefined } = {
  Begin: "Transferring",
  Resume: "Transferring",
  Pause: "Paused",
  Finalize: "Finalized",
  Abort: "Aborted",
  Nothing: undefined,
  Invalid: undefined
}

/** Whether a job in this state is in the list no more. */
export const isOver = (state: JobState): boolean => state === "Finalized" || state === "Aborted"
