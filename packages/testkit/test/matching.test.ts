import { assert, describe, it } from "@effect/vitest"
import { Profile } from "@piecework/cloud"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import { World } from "@piecework/testkit"
import { Effect } from "effect"
import { download } from "./downloads.ts"

const bytes = World.bytesOf(6 * 4096)
const modes: ReadonlyArray<DownloadMode> = ["HttpOnly", "Lan", "Group", "Internet", "Simple"]

interface Client {
  readonly mode: DownloadMode
  readonly options?: World.ClientOptions
}

/** Peers that the second client had, of whom the first is all there could be. */
const peersOf = (one: Client, other: Client) =>
  Effect.gen(function* () {
    const world = yield* World.make()
    const { url } = yield* world.publish("/file", bytes)
    yield* download(yield* world.client(one.options), { url, mode: one.mode }, bytes)
    const result = yield* download(yield* world.client(other.options), { url, mode: other.mode }, bytes)
    return result.peers
  }).pipe(Effect.scoped)

const group = (groupId: string) => ({ config: { groupId } })

/** Takes whoever its site has. */
const isOpen = (mode: DownloadMode) => mode === "Lan" || mode === "Internet"

const classed = (profile: number) => ({ mode: "Lan" as const, options: { config: { profile } } })

const at = (host: string, peersFrom: "None" | "Subnet" | "Local", hasLan = false): Client => ({
  mode: "Lan",
  options: { host, hasLan, config: { peersFrom, reportedMask: "255.255.255.0" } }
})

describe("a client", () => {
  for (const one of modes) {
    it.effect(`in mode ${one} meets those of its site whose mode fits`, () =>
      Effect.gen(function* () {
        for (const other of modes) {
          const met = yield* peersOf({ mode: one, options: group("blue") }, { mode: other, options: group("blue") })
          const fits = (isOpen(one) && isOpen(other)) || (one === "Group" && other === "Group")
          assert.strictEqual(met, fits ? 1 : 0, `${one} and ${other}`)
        }
      })
    )
  }

  it.effect("of another group, or another class, is met by nobody", () =>
    Effect.gen(function* () {
      const [pc, server] = [classed(Profile.pc), classed(Profile.server)]
      assert.deepStrictEqual(
        yield* Effect.forEach(
          [
            [pc, pc],
            [server, server],
            [pc, server],
            [server, pc],
            [pc, { mode: "Lan" }]
          ] as const,
          ([one, other]) => peersOf(one, other)
        ),
        [1, 1, 0, 0, 1]
      )
      const [blue, red] = [group("blue"), group("red")]
      assert.strictEqual(yield* peersOf({ mode: "Group", options: blue }, { mode: "Group", options: red }), 0)
    })
  )

  it.effect(
    "that keeps to its subnet meets nobody of another, and one that keeps to the local network only whom it hears",
    () =>
      Effect.gen(function* () {
        const subnet = at("10.0.1.7", "Subnet")
        assert.strictEqual(yield* peersOf(at("10.0.1.8", "None"), subnet), 1)
        assert.strictEqual(yield* peersOf(at("10.0.2.8", "None"), subnet), 0)
        assert.strictEqual(yield* peersOf(subnet, at("10.0.2.8", "None")), 0)
        assert.strictEqual(yield* peersOf(at("10.0.1.8", "None"), at("10.0.1.7", "Local", true)), 0)
        assert.strictEqual(yield* peersOf(at("10.0.2.8", "Local", true), at("10.0.1.7", "Local", true)), 1)
      })
  )
})
