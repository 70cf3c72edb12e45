/** Keeps one client in leases as `download/Leasing` does, with its pauses. */
import * as DownloadConfig from "@piecework/download/DownloadConfig"
import * as Leases from "@piecework/scheduler/Leases"
import { Duration } from "effect"
import type { Client, Happening } from "./Client.ts"
import { clock, type Surroundings } from "./Surroundings.ts"

/** Milliseconds, as in `download/Leasing`. */
const shortestPause = 20
const shortestWait = 1000
const longestWait = 4000
const timeout = Duration.toMillis(DownloadConfig.defaults.leaseTimeout)

export class Leasing {
  readonly #around: Surroundings
  readonly #self: Client
  #answered = 0
  #hasBegun = false
  /** Nothing of what was wanted was there: asking sooner than it was told is of no use. */
  #isStarved = false
  #isAsking = true
  /** More is needed, since the last ask. */
  #isHurried = false
  #isPausing = false
  /** A lease was kept since the service was asked: there is more room than its answer knows of. */
  #hasKept = false
  #wait = shortestWait
  /** Which of its plans for the next ask counts. */
  #turn = 0

  constructor(around: Surroundings, self: Client) {
    this.#around = around
    this.#self = self
  }

  /** From the start of the client: the first answer is not waited for longer. */
  expectAnswer(): void {
    this.#around.agenda.after(timeout, () => {
      if (this.#answered === 0) this.#self.tell({ _tag: "LeasesOff" })
    })
  }

  /** To be called after each event. */
  look(happened: Happening): void {
    const { agenda, scene } = this.#around
    if (!this.#hasBegun) {
      this.#hasBegun = true
      // Where the swarm is has to be asked first.
      return agenda.after(scene.rttMillis, () => this.#ask())
    }
    const { plan } = this.#self
    if (this.#answered === 0 || !Leases.concerns(plan, happened)) return
    const isKept = happened._tag === "PieceHeld"
    if (isKept) this.#hasKept = true
    if (this.#isAsking) return
    const isIdle = this.#isStarved && !isKept
    if (isIdle || this.#isHurried || Leases.need(plan).most === 0) return
    this.#isHurried = true
    if (!this.#isPausing) this.#ask()
  }

  #ask(): void {
    const { agenda, scene, service, tally } = this.#around
    const { isAlive, plan, id, device } = this.#self
    if (!isAlive || plan.outcome === "Finished") return
    this.#turn++
    this.#isAsking = true
    this.#isHurried = false
    this.#hasKept = false
    const told = { held: plan.held, need: Leases.need(plan), seq: this.#answered }
    agenda.after(scene.rttMillis / 2, () => {
      const asker = { id, site: device.site, isComplete: false }
      const answer = scene.leases ? service.lease(asker, told, clock(agenda)) : undefined
      if (answer !== undefined) tally.askedForLeases()
      agenda.after(scene.rttMillis / 2, () => (answer === undefined ? this.#failed() : this.#heard(told.need, answer)))
    })
  }

  #heard(need: Leases.Need, { runs, again }: { readonly runs: Runs; readonly again: number }): void {
    const { agenda } = this.#around
    this.#answered++
    this.#wait = shortestWait
    this.#isStarved = need.most > 0 && piecesIn(runs) <= piecesIn(need.keep)
    this.#self.tell({ _tag: "Leased", runs, asked: need.keep })
    this.#isAsking = false
    this.#isHurried = this.#isStarved && this.#hasKept
    this.#isPausing = true
    const turn = this.#turn
    agenda.after(shortestPause, () => {
      this.#isPausing = false
      if (this.#isHurried) return this.#ask()
      agenda.after(again, () => {
        if (turn === this.#turn) this.#ask()
      })
    })
  }

  #failed(): void {
    const { agenda, dice } = this.#around
    this.#self.tell({ _tag: "LeasesOff" })
    agenda.after(this.#wait * (0.5 + dice.next() / 2), () => this.#ask())
    this.#wait = Math.min(longestWait, this.#wait * 2)
  }
}

type Runs = ReadonlyArray<{ readonly first: number; readonly count: number }>

const piecesIn = (runs: Runs): number => runs.reduce((sum, { count }) => sum + count, 0)
