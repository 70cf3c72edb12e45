/**
 * One run: sites that may meet, from the start of the first device until the last has the file. Nothing but the scene and
 * its seed goes in, so the same scene gives the same outcome.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import { DeviceId, idOf } from "@piecework/domain/Peer"
import { PieceLayout } from "@piecework/domain/PieceLayout"
import { Agenda } from "./Agenda.ts"
import { Client } from "./Client.ts"
import { Dice } from "./Dice.ts"
import { Port } from "./Port.ts"
import * as Scene from "./Scene.ts"
import { Service } from "./Service.ts"
import type { Device, Line, Surroundings } from "./Surroundings.ts"
import { type Figures, Tally } from "./Tally.ts"

export interface SiteOutcome {
  /** Bytes that came over the site's line, from the origin or from other sites. */
  readonly lineBytes: number
  /** When the last of them came, in milliseconds. */
  readonly lineEndedAt: number
  /** Milliseconds from each device's start until it had the file; `undefined` when it never had. */
  readonly finished: ReadonlyArray<number | undefined>
}

export interface Outcome {
  readonly sites: ReadonlyArray<SiteOutcome>
  readonly figures: Figures
}

/** Milliseconds from a kill to the next start. */
const restartAfter = 1000

/** `sites` are the numbers of those that are in this world. */
export const run = (scene: Scene.Scene, sites: ReadonlyArray<number>): Outcome => {
  const layout = new PieceLayout({ contentSize: scene.bytes, pieceSize: Scene.pieceSize })
  const { pieceCount, pieceSize } = layout
  const dice = new Dice(scene.seed, sites[0])
  const agenda = new Agenda()
  const tally = new Tally()
  const service = new Service({ pieceCount, pieceSize, group: scene.group, seed: dice.below(2 ** 32) })
  const around: Surroundings = { scene, layout, agenda, dice, service, tally, clients: new Map() }
  const all = sites.map((site) => makeSite(around, site))
  for (const { devices } of all) for (const device of devices) live(around, device)

  const devices = all.flatMap((site) => site.devices)
  const limit = longest(scene)
  let left = devices.length
  while (left > 0 && agenda.now < limit && agenda.step()) {
    while (left > 0 && devices[left - 1]?.finishedAt !== undefined) left--
  }
  return {
    sites: all.map(({ line, devices: own }) => ({
      lineBytes: line.down.carried,
      lineEndedAt: line.down.carriedAt,
      finished: own.map(({ finishedAt, startsAt }) => (finishedAt === undefined ? undefined : finishedAt - startsAt))
    })),
    figures: tally.figures()
  }
}

/** Virtual milliseconds after which something is wrong: if each device had taken its own copy it would have ended before. */
const longest = (scene: Scene.Scene): number =>
  600_000 + scene.devices * (scene.staggerMillis + 4 * Scene.idealMillis(scene))

interface Site {
  readonly line: Line
  readonly devices: ReadonlyArray<Device>
}

const makeSite = ({ agenda, dice, scene }: Surroundings, site: number): Site => {
  const line: Line = {
    up: new Port(agenda, Scene.bytesPerMilli(scene.wan)),
    down: new Port(agenda, Scene.bytesPerMilli(scene.wan))
  }
  const devices = Array.from({ length: scene.devices }, (_, i): Device => {
    const delay = scene.staggerMillis === 0 ? dice.next() * Scene.togetherMillis : i * scene.staggerMillis
    return {
      name: `device ${i} of site ${site}`,
      site,
      line,
      up: new Port(agenda, Scene.bytesPerMilli(scene.lan)),
      down: new Port(agenda, Scene.bytesPerMilli(scene.lan)),
      startsAt: delay,
      finishedAt: undefined,
      client: undefined
    }
  })
  return { line, devices }
}

/** Plans what happens to the device: its start, and if it is one of the unlucky, its end and the start after that. */
const live = (around: Surroundings, device: Device): void => {
  const { agenda, dice, layout, scene } = around
  const name = DeviceId.make(Array.from({ length: 4 }, () => hex(dice.below(2 ** 32))).join(""))
  const isUnlucky = dice.next() < scene.churn
  const start = (process: number, held: Bitfield.Bitfield) =>
    new Client(around, device, idOf(name, process), held).start()
  agenda.after(device.startsAt, () => start(dice.below(2 ** 31), Bitfield.empty(layout.pieceCount)))
  if (!isUnlucky) return
  agenda.after(device.startsAt + Scene.idealMillis(scene) / 2, () => {
    const { client } = device
    if (client === undefined || device.finishedAt !== undefined) return
    client.kill()
    agenda.after(restartAfter, () => start(dice.below(2 ** 31), client.plan.held))
  })
}

const hex = (n: number): string => n.toString(16).padStart(8, "0")
