import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue } from "effect"

/** Two machines on one network: network namespaces that end with the programs in them. */
const means = (): boolean => {
  try {
    execFileSync("unshare", ["--net", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"], {
      stdio: "ignore"
    })
    return true
  } catch {
    return false
  }
}

const run = promisify(execFile)
const inside = (pid: string, command: string) =>
  Effect.promise(() => run("nsenter", ["-t", pid, "-n", ...command.split(" ")]))

/** A program in a namespace of its own; it begins when it is told its address on `v0`. */
const machine = Effect.fnUntraced(function* (fixture: string) {
  const entry = fileURLToPath(new URL(`fixtures/${fixture}.ts`, import.meta.url))
  const lines = yield* Queue.unbounded<string>()
  const wait = 'echo ready; read -r address; ip link set lo up; ip address add "$address" dev v0; exec "$@"'
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const args = ["--net", "sh", "-c", wait, "sh", process.execPath, "--conditions=source", entry]
      const one: ChildProcess = spawn("unshare", args, {
        stdio: ["pipe", "pipe", "inherit"]
      })
      if (one.stdout !== null) createInterface(one.stdout).on("line", (line) => void Queue.offerUnsafe(lines, line))
      return one
    }),
    (one) => Effect.sync(() => void one.kill("SIGKILL"))
  )
  const until = (wanted: string) =>
    Effect.repeat(Queue.take(lines), { until: (line) => line === wanted }).pipe(Effect.timeout("60 seconds"))
  yield* until("ready")
  return {
    pid: String(child.pid),
    until,
    begin: (address: string) => Effect.sync(() => void child.stdin?.write(`${address}\n`)),
    end: Effect.sync(() => void child.stdin?.end())
  }
})

describe.skipIf(!means())("Between two machines, where there are root and iproute2", () => {
  it.live(
    "a cache server that announces itself is asked until it goes, and never where only listed ones are",
    () =>
      Effect.gen(function* () {
        const [server, device] = [yield* machine("announcer"), yield* machine("seeker")]
        yield* inside(server.pid, `ip link add v0 type veth peer name v0 netns ${device.pid}`)
        // A link whose other end is down counts as none.
        for (const { pid } of [server, device]) yield* inside(pid, "ip link set v0 up")
        yield* device.begin("10.77.0.2/24")
        yield* device.until("NoneKnown NoneKnown")
        yield* server.begin("10.77.0.1/24")
        yield* device.until("http://10.77.0.1:8080 NoneKnown")
        yield* server.end
        assert.strictEqual(yield* device.until("NoneKnown NoneKnown"), "NoneKnown NoneKnown")
      }).pipe(Effect.scoped),
    120_000
  )
})
