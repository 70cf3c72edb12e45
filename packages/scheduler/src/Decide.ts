/** The scheduler: what to do, now that this happened. Pure; never throws. */
import type { Command } from "./Command.ts"
import type { Event } from "./Event.ts"
import type { Plan } from "./Plan.ts"

export const decide = (plan: Plan, _event: Event): readonly [ReadonlyArray<Command>, Plan] => [[], plan]
