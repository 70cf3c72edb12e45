/** Lets so many jobs run at a time, in the order of `Turns`. Plain code: those whose turn it is, or is no more, are poked and look again. */
import type { JobId } from "../JobStatus.ts"
import * as Turns from "../Turns.ts"

export interface Place {
  /** Says that the job wants to run, with which priority, or that it does not. */
  readonly want: (wish: Omit<Turns.Wish<JobId>, "id"> | undefined) => void
  /** Whether it may run now. It has to say so when it does, and when it does no more. */
  readonly mayRun: () => boolean
  readonly running: (is: boolean) => void
}

export interface Turnstile {
  readonly place: (id: JobId, poke: () => void) => Place
}

export const make = (most: number): Turnstile => {
  const wishes = new Map<JobId, Turns.Wish<JobId>>()
  const pokes = new Map<JobId, () => void>()
  const running = new Set<JobId>()
  let turns: ReadonlySet<JobId> = new Set()

  // One that is to make room for another does so first, so no more than so many run even for a moment.
  const mayRun = (id: JobId) => turns.has(id) && (running.has(id) || running.size < most)

  const changed = (): void => {
    turns = Turns.first(wishes.values(), most)
    for (const [id, poke] of pokes) if (running.has(id) !== mayRun(id)) poke()
  }

  return {
    place: (id, poke) => ({
      want: (wish) => {
        const before = wishes.get(id)
        if (wish === undefined) {
          if (before === undefined) return
          wishes.delete(id)
          pokes.delete(id)
        } else {
          if (before?.since === wish.since && before.isForeground === wish.isForeground) return
          wishes.set(id, { ...wish, id })
          pokes.set(id, poke)
        }
        changed()
      },
      mayRun: () => mayRun(id),
      running: (is) => {
        if (is === running.has(id)) return
        if (is) running.add(id)
        else running.delete(id)
        changed()
      }
    })
  }
}
