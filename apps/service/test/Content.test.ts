/** Contents as an operator handles them: the programs as processes, on the data folder and at a running service. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { CloudConfig } from "@piecework/cloud"
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { Cloud } from "@piecework/cloud/Cloud"
import { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { Content, ContentUrl, Peer } from "@piecework/domain"
import { Context, Effect, Layer, Option, Result, Schedule } from "effect"
import { folder, run, serving } from "./Program.ts"

interface Shown {
  readonly contentId: string
  readonly contentSize: number
  readonly urls: ReadonlyArray<string>
  readonly policy: Readonly<Record<string, unknown>>
  readonly haltedAt: string | null
}

interface Noted {
  readonly action: string
  readonly subject: string
  readonly who: string
}

const json = <A>(text: string) => JSON.parse(text) as A
const address = "http://origin.test/a.bin"

/** A data folder with one content; the commands on it. */
const prepared = Effect.gen(function* () {
  const directory = yield* folder
  const file = join(directory, "a.bin")
  writeFileSync(file, Buffer.alloc(3_000_000, "some bytes"))
  const data = join(directory, "data")
  const here = (...args: ReadonlyArray<string>) => run(...args, "--data", data, "--json")
  const published = yield* here("publish", file, "--url", address)
  return { directory, file, data, here, contentId: json<Shown>(published.stdout).contentId }
})

const deeds = (stdout: string) => json<ReadonlyArray<Noted>>(stdout).map(({ action, who }) => `${who} ${action}`)

describe("content", () => {
  it.live("sets, shows, halts and resumes what is published, by id and by URL, and audit tells of it", () =>
    Effect.gen(function* () {
      const { contentId, data, here } = yield* prepared
      const set = yield* here("content", "set", address, "--group", "lab", "--group", "office", "--peers", "no")
      assert.deepStrictEqual(json<Shown>(set.stdout).policy, { groups: ["lab", "office"], peersAllowed: false })
      const reset = yield* here("content", "set", contentId, "--reset", "groups", "--expires", "2099-01-31")
      const policy = { peersAllowed: false, expireAtSeconds: Date.parse("2099-01-31") / 1000 }
      assert.deepStrictEqual(json<Shown>(reset.stdout).policy, policy)
      const halted = yield* run("content", "halt", address, "--why", "wrong build", "--data", data)
      assert.deepStrictEqual([halted.code, halted.stdout], [0, ""])
      assert.include(halted.stderr, `Halted ${contentId}`)
      const list = yield* run("content", "list", "--data", data)
      assert.match(list.stdout, /^DO-\S{43} {2}2\.9 MiB {2}halted {2}expires 2099-01-31T.* {2}without peers\n {2}http/)
      const resumed = yield* here("content", "resume", contentId)
      assert.strictEqual(json<Shown>(resumed.stdout).haltedAt, null)
      assert.strictEqual((yield* here("content", "unpublish", contentId)).code, 0)
      assert.strictEqual((yield* here("content", "show", contentId)).code, 5)
      const audit = yield* here("audit")
      assert.deepStrictEqual(
        deeds(audit.stdout),
        ["publish", "policy", "policy", "halt", "resume", "unpublish"].map((deed) => `operator local content.${deed}`)
      )
      assert.include((yield* run("audit", "--last", "3", "--data", data)).stdout, '{"why":"wrong build"}')
    })
  )

  it.live("ends with a sentence where there is nothing to do it to, or nothing to do", () =>
    Effect.gen(function* () {
      const { data, directory } = yield* prepared
      const nothing = yield* run("content", "halt", "http://origin.test/b", "--data", data)
      assert.deepStrictEqual(
        [nothing.code, nothing.stderr],
        [5, "piecework-service: Nothing is published as http://origin.test/b.\n"]
      )
      assert.strictEqual((yield* run("content", "show", "nonsense", "--data", data)).code, 3)
      assert.strictEqual((yield* run("content", "set", address, "--data", data)).code, 2)
      assert.strictEqual((yield* run("content", "set", address, "--expires", "soon", "--data", data)).code, 2)
      assert.strictEqual((yield* run("audit", "--data", join(directory, "none"))).code, 5)
      const down = yield* run("content", "list", "--service", "http://127.0.0.1:9", "--data", data)
      assert.deepStrictEqual([down.code, /PIECEWORK_TOKEN/.test(down.stderr)], [2, true])
    })
  )
})

describe("publish", () => {
  it.live("reads a URL once, and takes nothing that its origin changes meanwhile", () =>
    Effect.gen(function* () {
      const { data, contentId, here } = yield* prepared
      const bytes = Buffer.alloc(3_000_000, "some bytes")
      let sent = 0
      let etag = 0
      const origin = yield* Effect.acquireRelease(
        Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
          const server = createServer((request, response) => {
            const isProbe = request.headers.range !== undefined
            if (!isProbe) sent += bytes.length
            if (request.url === "/changing") etag++
            response.writeHead(200, { "content-length": bytes.length, etag: `"${etag}"` })
            response.end(bytes)
          }).listen(0, "127.0.0.1", () => {
            const at = server.address()
            const port = typeof at === "object" && at !== null ? at.port : 0
            const close = () => (server.closeAllConnections(), server.close())
            resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }))
          })
        }),
        ({ close }) => Effect.sync(close)
      )
      const published = yield* here("publish", `${origin.url}/a.bin`, "--url", "http://mirror.test/a.bin")
      const shown = json<Shown>(published.stdout)
      assert.deepStrictEqual([shown.contentId, shown.contentSize, sent], [contentId, bytes.length, bytes.length])
      assert.deepStrictEqual(shown.urls, [address, `${origin.url}/a.bin`, "http://mirror.test/a.bin"])
      const changing = yield* run("publish", `${origin.url}/changing`, "--data", data)
      assert.strictEqual(changing.code, 4)
      assert.include(changing.stderr, "changed while it was read")
      const gone = yield* run("publish", "http://127.0.0.1:9/a.bin", "--data", data)
      assert.strictEqual(gone.code, 7)
    })
  )

  it.live("publishes all files of a folder under a URL, and nothing of one with a link that leads out", () =>
    Effect.gen(function* () {
      const { data, directory, here } = yield* prepared
      const files = join(directory, "files")
      mkdirSync(join(files, "deep er"), { recursive: true })
      writeFileSync(join(files, "a"), "first")
      writeFileSync(join(files, "deep er", "b#1"), "second")
      const published = yield* here("publish", files, "--base-url", "http://origin.test/all")
      assert.deepStrictEqual(
        json<ReadonlyArray<Shown>>(published.stdout).map(({ urls }) => urls),
        [["http://origin.test/all/a"], ["http://origin.test/all/deep%20er/b%231"]]
      )
      const again = yield* run("publish", files, "--base-url", "http://origin.test/all", "--data", data)
      assert.strictEqual(again.stderr, "Published 2 files, 0 of them new.\n")
      writeFileSync(join(files, "c"), "third")
      symlinkSync("/etc/hostname", join(files, "out"))
      const refused = yield* run("publish", files, "--base-url", "http://origin.test/all", "--data", data)
      assert.deepStrictEqual([refused.code, refused.stdout], [4, ""])
      assert.include(refused.stderr, "leads out")
      assert.strictEqual((yield* here("content", "show", "http://origin.test/all/c")).code, 5)
      const bare = yield* run("publish", files, "--data", data)
      assert.deepStrictEqual([bare.code, /--base-url/.test(bare.stderr)], [2, true])
    })
  )
})

/** The token stands in the environment of what is started meanwhile. */
const withToken = (token: string) =>
  Effect.acquireRelease(
    Effect.sync(() => void (process.env["PIECEWORK_TOKEN"] = token)),
    () => Effect.sync(() => void delete process.env["PIECEWORK_TOKEN"])
  )

describe("rule", () => {
  it.live("lets a running service publish what a device asks for first", () =>
    Effect.gen(function* () {
      const { data, here } = yield* prepared
      const bytes = Buffer.alloc(2_000_000, "ruled")
      const origin = yield* Effect.acquireRelease(
        Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
          const server = createServer((_, response) =>
            response.writeHead(200, { "content-length": bytes.length, etag: '"1"' }).end(bytes)
          ).listen(0, "127.0.0.1", () => {
            const at = server.address()
            const port = typeof at === "object" && at !== null ? at.port : 0
            const close = () => (server.closeAllConnections(), server.close())
            resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }))
          })
        }),
        ({ close }) => Effect.sync(close)
      )
      const service = yield* serving(data)
      const added = yield* here("rule", "add", `${origin.url}/debian/**`, "--group", "lab", "--peers", "no")
      assert.strictEqual(added.code, 0, added.stderr)
      yield* here("rule", "add", `${origin.url}/open/*`)
      const list = yield* run("rule", "list", "--data", data)
      assert.include(list.stdout, `${origin.url}/debian/**  up to 64.0 GiB  for lab\n`)
      const client = Cloud.layer.pipe(
        Layer.provide([CloudConfig.layer({ serviceUrl: service.url }), NodeHttpClient.layerNodeHttp])
      )
      const cloud = Context.get(yield* Layer.build(client), Cloud)
      const url = urlOf(`${origin.url}/open/a.bin`)
      assert.strictEqual(yield* reasonOf(cloud.lookup({ url })), "ContentUnknown")
      yield* reasonOf(cloud.lookup({ url })).pipe(
        Effect.repeat({ until: (reason) => reason === "ok", schedule: Schedule.spaced("20 millis") })
      )
      assert.strictEqual((yield* cloud.lookup({ url })).policy.contentSize, bytes.length)
      assert.strictEqual((yield* here("rule", "remove", `${origin.url}/open/*`)).code, 0)
      assert.strictEqual((yield* here("rule", "remove", `${origin.url}/open/*`)).code, 5)
      assert.strictEqual((yield* here("rule", "add", "https://*/x")).code, 3)
      assert.strictEqual((yield* here("content", "show", url)).code, 0)
    })
  )
})

describe("A service that runs", () => {
  it.live("is told over the network by who has a token for it, and by nobody else", () =>
    Effect.gen(function* () {
      const { contentId, data, file } = yield* prepared
      const service = yield* serving(data)
      const token = (...scopes: ReadonlyArray<string>) =>
        Effect.map(run("token", "create", ...scopes.flatMap((s) => ["--scope", s]), "--data", data), ({ stdout }) =>
          stdout.trim()
        )
      const there = (...args: ReadonlyArray<string>) => run(...args, "--service", service.url, "--json")
      const [publisher, reader] = yield* Effect.all([token("publish", "read"), token("read")])
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* withToken(publisher)
          const published = yield* there("publish", file, "--url", "http://origin.test/other")
          assert.strictEqual(published.code, 0, published.stderr)
          const halted = yield* there("content", "halt", "http://origin.test/other")
          assert.isString(json<Shown>(halted.stdout).haltedAt)
          const list = yield* there("content", "list")
          assert.deepStrictEqual(json<ReadonlyArray<Shown>>(list.stdout)[0]?.urls, [
            address,
            "http://origin.test/other"
          ])
        })
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* withToken(reader)
          const refused = yield* there("content", "resume", contentId)
          assert.strictEqual(refused.code, 6, refused.stderr)
          const shown = yield* there("content", "show", contentId)
          assert.isString(json<Shown>(shown.stdout).haltedAt)
          const deed = json<ReadonlyArray<Noted>>((yield* there("audit")).stdout).at(-1)
          assert.deepStrictEqual([deed?.action, deed?.subject], ["content.halt", contentId])
          assert.match(deed?.who ?? "", /^operator [0-9a-f]+/)
        })
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* withToken("pwo_nonsense")
          assert.strictEqual((yield* there("content", "list")).code, 6)
        })
      )
    })
  )

  it.live("refuses a content that another process halted, to members that are in its swarm too", () =>
    Effect.gen(function* () {
      const { contentId: text, data, here } = yield* prepared
      const contentId = Option.getOrThrow(Content.parse(text))
      const service = yield* serving(data)
      const client = Cloud.layer.pipe(
        Layer.provide([CloudConfig.layer({ serviceUrl: service.url }), NodeHttpClient.layerNodeHttp])
      )
      const cloud = Context.get(yield* Layer.build(client), Cloud)
      const known = yield* cloud.whereabouts
      const [array] = yield* cloud.discover(known, contentId)
      const member = { contentId, reportedIp: "127.0.0.1", scope: "Lan" } as const
      const peerId = Peer.idOf(Peer.DeviceId.make("f".repeat(32)), 1)
      const joining = cloud.join(
        array.url,
        new JoinRequest({ ...member, peerId, port: 7680, left: 1, event: "Periodic" })
      )
      const asking = {
        pieceCount: 3,
        pieceSize: 1_048_576,
        held: new Uint8Array(1),
        keep: [],
        most: 1,
        originRate: 0
      }
      const lease = cloud.lease(array.url, new LeaseRequest({ ...member, ...asking, peerId, seq: 0 }))
      // The second time the swarm is there, and the short way is taken.
      for (const _ of [1, 2]) yield* Effect.andThen(joining, lease)
      const { phfUrls } = (yield* cloud.lookup({ contentId })).policy
      const phf = Effect.promise(() => fetch(phfUrls[0])).pipe(Effect.map(({ status }) => status))
      assert.strictEqual(yield* phf, 200)

      yield* here("content", "halt", address)
      // How soon at most, the tests of the gate say by the test clock.
      yield* reasonOf(joining).pipe(
        Effect.repeat({ until: (reason) => reason === "ContentHalted", schedule: Schedule.spaced("20 millis") })
      )
      assert.strictEqual(yield* reasonOf(lease), "ContentHalted")
      assert.strictEqual(yield* reasonOf(cloud.lookup({ contentId })), "ContentHalted")
      assert.strictEqual(yield* reasonOf(cloud.lookup({ url: urlOf(address) })), "ContentHalted")
      assert.deepStrictEqual((yield* cloud.check(known, [contentId])).halted, [contentId])
      assert.strictEqual(yield* phf, 404)

      yield* here("content", "resume", address)
      yield* reasonOf(joining).pipe(
        Effect.repeat({ until: (reason) => reason === "ok", schedule: Schedule.spaced("20 millis") })
      )
      // What is for others only, or for nobody any more, is unknown, and says nothing of being halted.
      yield* here("content", "set", address, "--group", "lab")
      yield* here("content", "halt", address)
      yield* reasonOf(joining).pipe(
        Effect.repeat({ until: (reason) => reason === "ContentUnknown", schedule: Schedule.spaced("20 millis") })
      )
      assert.strictEqual(yield* reasonOf(lease), "ContentUnknown")
      assert.strictEqual(yield* reasonOf(cloud.lookup({ contentId })), "ContentUnknown")
      assert.deepStrictEqual((yield* cloud.check(known, [contentId])).halted, [])
      assert.strictEqual(yield* phf, 404)
    })
  )

  it.live("lets nobody meet about what it does not know, unless it is told to", () =>
    Effect.gen(function* () {
      const { data } = yield* prepared
      const contentId = Option.getOrThrow(Content.parse(`DO-${"A".repeat(43)}`))
      const joining = (args: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const service = yield* serving(data, ...args)
          const client = Cloud.layer.pipe(
            Layer.provide([CloudConfig.layer({ serviceUrl: service.url }), NodeHttpClient.layerNodeHttp])
          )
          const cloud = Context.get(yield* Layer.build(client), Cloud)
          const [array] = yield* cloud.discover(yield* cloud.whereabouts, contentId)
          const peerId = Peer.idOf(Peer.DeviceId.make("f".repeat(32)), 1)
          const member = { contentId, peerId, reportedIp: "127.0.0.1", port: 7680, scope: "Lan" } as const
          const joined = yield* Effect.result(
            cloud.join(array.url, new JoinRequest({ ...member, left: 1, event: "Started" }))
          )
          return Result.isSuccess(joined) ? "joined" : joined.failure.reason
        })
      assert.strictEqual(yield* joining([]), "ContentUnknown")
      assert.strictEqual(yield* joining(["--unknown-contents", "take"]), "joined")
    })
  )
})

const reasonOf = <A, E extends { readonly reason: string }>(asked: Effect.Effect<A, E>) =>
  Effect.match(asked, { onFailure: ({ reason }) => reason, onSuccess: () => "ok" })

const urlOf = (text: string) => Result.getOrThrow(ContentUrl.parse(text))
