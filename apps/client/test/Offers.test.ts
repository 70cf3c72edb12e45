import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ContentId } from "@piecework/domain/Content"
import type { SeededContent } from "@piecework/download/Seeder"
import { Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Offers from "../src/Offers.ts"
import * as Programs from "./support/programs.ts"

const id = (letter: string) => ContentId.make(`DO-${letter.repeat(43)}`)

const content = (letter: string, offer: SeededContent["offer"]): SeededContent => ({
  contentId: id(letter),
  contentSize: 1,
  heldBytes: 1,
  peers: 0,
  sent: 0,
  offer
})

const minute = 60_000

/** What is there after the clock went on and the files were written, which takes time of its own. */
const eventually = (isSo: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    for (let n = 0; n < 500; n++) {
      if (yield* isSo) return
      yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
    }
    assert.fail("not so after 500 turns")
  })

describe("offers", () => {
  it.effect("are told to others while an agent runs, and not when it is gone", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      let contents = [content("a", { why: "Turn", until: 5 * minute })]
      const agent = yield* Effect.forkChild(Offers.keepUp(root, { contents: () => contents, look: Effect.void }))
      const said = Effect.map(
        Offers.read(root),
        Option.getOrElse((): ReadonlyArray<Offers.Offer> => [])
      )
      const seen = (why: Offers.Offer["why"]) => Effect.map(said, (offers) => offers[0]?.why === why)
      yield* TestClock.adjust(1)
      yield* eventually(seen("Turn"))
      contents = [content("a", { why: "Asked", until: undefined })]
      yield* TestClock.adjust("10 seconds")
      yield* eventually(seen("Asked"))
      // A killed agent leaves its file behind.
      const left = readFileSync(join(root, "offers.json"))
      yield* Fiber.interrupt(agent)
      assert.deepStrictEqual(readdirSync(root), [])
      writeFileSync(join(root, "offers.json"), left)
      assert.isTrue(yield* seen("Asked"))
      yield* TestClock.adjust("3 minutes")
      assert.isTrue(Option.isNone(yield* Offers.read(root)))
    })
  )

  it.effect("of a file that is none of ours are none", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const file = join(root, "offers.json")
      for (const text of ["", "{", "[]", '{"at":0}', '{"at":0,"offers":[{"contentId":"../x","why":"Turn"}]}']) {
        writeFileSync(file, text)
        assert.isTrue(Option.isNone(yield* Offers.read(root)), text)
      }
      writeFileSync(file, '{"at":99999999,"offers":[]}')
      assert.isTrue(Option.isNone(yield* Offers.read(root)), "of the future")
      writeFileSync(file, " ".repeat(3_000_000))
      assert.isTrue(Option.isNone(yield* Offers.read(root)), "too long")
      const folder = join(root, "state")
      mkdirSync(join(folder, "offers.json"), { recursive: true })
      assert.isTrue(existsSync(folder))
      assert.isTrue(Option.isNone(yield* Offers.read(folder)), "a folder")
    })
  )
})
