/** Jobs of programs that know the Linux agent, by the words of its own file. Source: spec.md §1, §7.3, §3.8. */
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Policy from "@piecework/policy/Policy"
import { Effect, Result } from "effect"
import * as AgentFiles from "../../src/AgentFiles.ts"
import * as HttpOrigin from "../support/httpOrigin.ts"
import * as Site from "./site.ts"

const bytes = randomBytes(300_000)

/** An origin and a cache server with the file, and an agent whose file names the one and says more. */
const scene = Effect.fnUntraced(function* (more: { readonly [name: string]: unknown } = {}) {
  const origin = yield* HttpOrigin.make({ bytes })
  const cache = yield* HttpOrigin.make({ bytes })
  const text = JSON.stringify({ DOCacheHost: new URL(cache.url).host, ...more })
  const policy = Policy.resolve([Result.getOrThrow(AgentFiles.admin(text))])
  const site = yield* Site.make({ mode: "Simple", policy })
  return { cache, origin, site }
})

describe("A job of an agent with an admin-config.json that names a cache server", () => {
  it.live("is transferred from there, and what it downloads is asked of nobody else", () =>
    Effect.gen(function* () {
      const { origin, site } = yield* scene()
      const id = yield* site.started(origin.url, "out")
      yield* site.until(id, Site.isTransferred)
      yield* site.post("finalize", { Id: id })
      assert.isTrue(bytes.equals(readFileSync(join(site.root, "out"))))
      assert.strictEqual(origin.requests(), 0)
    })
  )

  for (const name of ["DODelayCacheServerFallbackBackground", "DODelayCacheServerFallbackForeground"]) {
    it.live(
      `is paused with the status that it answers where ${name} is -1, and goes on when it serves the origin`,
      () =>
        Effect.gen(function* () {
          const { cache, origin, site } = yield* scene({ [name]: -1 })
          cache.fail(403)
          const id = yield* site.started(origin.url, "out")
          const paused = yield* site.until(id, Site.isPaused)
          assert.strictEqual(Site.hex(paused.ErrorCode), "0x80190193")
          assert.strictEqual(origin.requests(), 0)
          cache.fail(undefined)
          yield* site.post("start", { Id: id })
          yield* site.until(id, Site.isTransferred)
          assert.strictEqual(origin.requests(), 0)
        })
    )
  }

  it.live("turns to the origin with a 4xx where the file says no delay", () =>
    Effect.gen(function* () {
      const { cache, origin, site } = yield* scene()
      cache.fail(404)
      yield* site.until(yield* site.started(origin.url, "one"), Site.isTransferred)
      // Banned for this origin.
      yield* site.until(yield* site.started(origin.url, "two"), Site.isTransferred)
      assert.strictEqual(cache.requests(), 1)
      assert.isAbove(origin.requests(), 1)
    })
  )
})
