/**
 * Sends the messages of a population over kept connections, one at a time on each, and says what came back: as one line
 * of JSON. `load.ts PLAN`, a plan being JSON. A process of its own on plain sockets, so that it is not what is measured;
 * what it took of its processor is in its report. Three ways:
 *
 * - `fill`: each member once, as fast as answers come;
 * - `full`: members at random, as fast as answers come, for some seconds;
 * - `paced`: members at random, so many a second; time runs from when a message was due, so waiting in line counts.
 */
import { connect, type Socket } from "node:net"
import { messageOf, peersIn } from "./Traffic.ts"
import type { Dialect, Population, Word } from "./Traffic.ts"

export interface Plan extends Population {
  readonly dialect: Dialect
  readonly port: number
  readonly way: "fill" | "full" | "paced"
  readonly connections: number
  readonly seconds: number
  /** Messages a second, where paced. */
  readonly rate: number
}

const plan = JSON.parse(process.argv[2] ?? "null") as Plan | null
if (plan === null) throw new Error("usage: load.ts PLAN")
const { connections, dialect, members, port, rate, seconds, way } = plan
const host = `127.0.0.1:${port}`

/** Of a hundred members that speak, so many have got everything, or begin anew. */
const changes = 10
const words = (way === "fill" ? ["Started"] : ["Periodic", "Completed"]) satisfies ReadonlyArray<Word>
const messages = words.map((word) =>
  Array.from({ length: members }, (_, member) => messageOf(dialect, plan, member, word, host))
)

const millis = () => performance.now()
const latencies: Array<number> = []
let answered = 0
let answerBytes = 0
let peers = 0
let looked = 0
let reconnected = 0
let next = 0
let isOver = false

/** The next message, or nothing when there is none. */
const draw = (): Buffer | undefined => {
  if (way === "fill") return messages[0]?.[next++]
  const kind = Math.random() * 100 < changes ? 1 : 0
  return messages[kind]?.[Math.floor(Math.random() * members)]
}

const fail = (why: string): never => {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}

/** One connection, with at most one message on its way. */
class Lane {
  #socket: Socket | undefined
  #due = 0
  #message: Buffer | undefined
  /** Bytes of the answer that are still to come; below 0 before its head. */
  #rest = -1
  #head = ""
  isIdle = true

  open(): Promise<void> {
    return new Promise((resolve) => {
      const buffer = Buffer.allocUnsafeSlow(65_536)
      const onread = { buffer, callback: (n: number) => this.#read(buffer, n) }
      this.#socket = connect({ host: "127.0.0.1", port, noDelay: true, onread }, resolve)
      let why = "it was closed"
      this.#socket.on("error", (error) => (why = error.message))
      this.#socket.on("close", () => this.#closed(why))
    })
  }

  get isKept(): boolean {
    return this.#socket?.readyState === "open"
  }

  send(message: Buffer, due: number): void {
    this.isIdle = false
    this.#due = due
    this.#message = message
    this.#rest = -1
    this.#head = ""
    if (this.isKept) this.#socket?.write(message)
  }

  end(): void {
    this.#socket?.destroy()
  }

  /** Some servers end a connection after an answer, or a number of them; then what had none yet is sent again. */
  #closed(why: string): void {
    if (isOver) return
    if (++reconnected > 2 * answered + 1000) fail(`connections break: ${why}`)
    void this.open().then(() => {
      const message = this.#message
      if (this.isIdle || message === undefined) return
      this.#rest = -1
      this.#head = ""
      this.#socket?.write(message)
    })
  }

  #read(buffer: Buffer, length: number): boolean {
    if (this.#rest < 0) {
      this.#head += buffer.toString("latin1", 0, length)
      const end = this.#head.indexOf("\r\n\r\n")
      if (end < 0) return true
      if (!this.#head.startsWith("HTTP/1.1 200") && !this.#head.startsWith("HTTP/1.0 200")) {
        fail(`an answer was no 200: ${this.#head.slice(0, 400)}`)
      }
      const size = Number(
        /content-length: *(\d+)/i.exec(this.#head.slice(0, end))?.[1] ?? fail("an answer has no length")
      )
      answerBytes += size
      this.#rest = size - (this.#head.length - end - 4)
      // Every hundredth answer that came in one go.
      if (this.#rest === 0 && answered % 100 === 0) {
        peers += peersIn(dialect, this.#head.slice(end + 4))
        looked++
      }
    } else this.#rest -= length
    if (this.#rest > 0) return true
    answered++
    if (way === "paced") latencies.push(millis() - this.#due)
    this.isIdle = true
    onIdle(this)
    return true
  }
}

const lanes = Array.from({ length: connections }, () => new Lane())
await Promise.all(lanes.map((lane) => lane.open()))

const cpuBefore = process.cpuUsage()
const began = millis()
let onIdle: (lane: Lane) => void

const finish = () => {
  if (isOver) return
  isOver = true
  const spent = (millis() - began) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  for (const lane of lanes) lane.end()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]
  const report = {
    answered,
    seconds: spent,
    requestsPerSecond: answered / spent,
    p50Millis: at(0.5) ?? null,
    p99Millis: at(0.99) ?? null,
    maxMillis: at(1) ?? null,
    bytesPerAnswer: answerBytes / Math.max(1, answered),
    peersPerAnswer: looked === 0 ? null : peers / looked,
    reconnected,
    /** Of one processor. */
    ownShare: (cpu.user + cpu.system) / 1e6 / spent
  }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
}

if (way === "paced") {
  const idle = [...lanes]
  const waiting: Array<number> = []
  let sent = 0
  const dispatch = () => {
    while (waiting.length > 0 && idle.length > 0) {
      const lane = idle.pop()
      const due = waiting.shift()
      const message = draw()
      if (lane !== undefined && due !== undefined && message !== undefined) lane.send(message, due)
    }
  }
  onIdle = (lane) => {
    idle.push(lane)
    dispatch()
  }
  const total = rate * seconds
  const tick = () => {
    const now = millis()
    const due = Math.min(total, Math.floor(((now - began) / 1000) * rate))
    while (sent < due) waiting.push(began + (sent++ / rate) * 1000)
    dispatch()
    if (answered >= total) finish()
    else setTimeout(tick, 1)
  }
  tick()
  setTimeout(finish, seconds * 1000 + 5000).unref()
} else {
  const speak = (lane: Lane) => {
    const message = isOver ? undefined : draw()
    if (message !== undefined) lane.send(message, 0)
    else if (lanes.every(({ isIdle }) => isIdle)) finish()
  }
  onIdle = speak
  for (const lane of lanes) speak(lane)
  if (way === "full") setTimeout(finish, seconds * 1000)
}
