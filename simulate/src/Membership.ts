/** One client's membership of the swarm: joins when it starts, when the service says so, and when it is complete. */
import * as Plan from "@piecework/scheduler/Plan"
import type { PeerId } from "@piecework/domain/Peer"
import type { Client } from "./Client.ts"
import { clock, type Surroundings } from "./Surroundings.ts"

export class Membership {
  readonly #around: Surroundings
  readonly #self: Client
  readonly #onHandout: (peers: ReadonlyArray<PeerId>) => void
  /** Which of its plans for the next join counts. */
  #turn = 0

  constructor(around: Surroundings, self: Client, onHandout: (peers: ReadonlyArray<PeerId>) => void) {
    this.#around = around
    this.#self = self
    this.#onHandout = onHandout
  }

  /** Asks first where the swarm is. */
  start(): void {
    this.#around.agenda.after(this.#around.scene.rttMillis, () => this.#join())
  }

  completed(): void {
    this.#join()
  }

  #join(): void {
    const { agenda, scene, service } = this.#around
    if (!this.#self.isAlive) return
    const turn = ++this.#turn
    const { id, device, plan } = this.#self
    const isComplete = Plan.isFinished(plan)
    agenda.after(scene.rttMillis / 2, () => {
      const wanted = scene.connections * 3
      const { peers, nextJoin } = service.join({ id, site: device.site, isComplete }, wanted, clock(agenda))
      agenda.after(scene.rttMillis / 2, () => {
        if (!this.#self.isAlive) return
        this.#onHandout(peers)
        agenda.after(nextJoin, () => {
          if (turn === this.#turn) this.#join()
        })
      })
    })
  }
}
