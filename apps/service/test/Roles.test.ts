import { randomBytes } from "node:crypto"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { ContentUrl, Peer } from "@piecework/domain"
import { Phf } from "@piecework/hashing"
import { Effect, Result } from "effect"
import { clientOf } from "./Client.ts"
import { folder, run, serving } from "./Program.ts"

const url = Result.getOrThrow(ContentUrl.parse("http://origin.test/a.bin"))

describe("Roles in processes of their own", () => {
  it.live("lead a client from Geo to a PHF and to peers, each from the process that has it", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const data = join(directory, "data")
      const file = join(directory, "a.bin")
      writeFileSync(file, randomBytes(2_500_000))
      const of = (roles: string, ...args: ReadonlyArray<string>) =>
        serving(join(directory, roles), "--roles", roles, ...args)

      const first = yield* of("array")
      const second = yield* of("array")
      const discovery = yield* of("discovery", "--role-url", `array=${first.url}`, "--role-url", `array=${second.url}/`)
      const metadata = yield* serving(data, "--roles", "metadata")
      const policy = yield* serving(data, "--roles", "content-policy", "--role-url", `metadata=${metadata.url}`)
      const named = ["--role-url", `content-policy=${policy.url}`, "--role-url", `discovery=${discovery.url}`]
      const kv = yield* of("kv", ...named)
      const geo = yield* of("geo", "--role-url", `kv=${kv.url}`)
      assert.strictEqual((yield* run("publish", file, "--url", url, "--data", data)).code, 0)
      // What has nothing to keep leaves nothing behind.
      assert.isFalse(existsSync(join(directory, "array")))

      const cloud = yield* clientOf(geo.url)
      const found = yield* cloud.lookup({ url })
      assert.strictEqual(found.geo.keyValueUrl, `${kv.url}/rpc/kv`)
      assert.strictEqual(found.keyValue.contentPolicyUrl, `${policy.url}/rpc/cp`)
      const [phfUrl] = found.policy.phfUrls
      assert.strictEqual(phfUrl, `${metadata.url}/phf/${found.policy.contentId}`)
      const bytes = yield* Effect.promise(async () => new Uint8Array(await (await fetch(phfUrl)).arrayBuffer()))
      const phf = Result.getOrThrow(Phf.verify(bytes, { hashOfHashes: found.policy.hashOfHashes }))
      assert.strictEqual(phf.layout.contentSize, 2_500_000)

      const arrays = yield* cloud.discover(found, found.policy.contentId)
      assert.deepStrictEqual(
        arrays.map((array) => array.url).toSorted(),
        [`${first.url}/rpc/array`, `${second.url}/rpc/array`].toSorted()
      )
      const joining = (n: number) =>
        cloud.join(
          arrays[0].url,
          new JoinRequest({
            contentId: found.policy.contentId,
            peerId: Peer.idOf(Peer.DeviceId.make("d".repeat(32)), n),
            reportedIp: "127.0.0.1",
            port: 7000 + n,
            left: 2_500_000,
            event: "Started",
            scope: "Lan"
          })
        )
      yield* joining(1)
      assert.strictEqual((yield* joining(2)).peers.length, 1)
      // And no process does what it was not told to.
      assert.strictEqual(
        (yield* Effect.promise(() => fetch(`${geo.url}/rpc/array`, { method: "POST", body: "{}" }))).status,
        404
      )
    })
  )

  it.live("are refused when they would lead nowhere", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "data")
      const alone = yield* run("--roles", "geo", "--port", "0", "--data", data)
      assert.strictEqual(alone.code, 2)
      assert.strictEqual(
        alone.stderr,
        "piecework-service: Callers are to be told where kv is: give --role-url kv=URL, or the --public-url under which all roles are.\n"
      )
    })
  )
})
