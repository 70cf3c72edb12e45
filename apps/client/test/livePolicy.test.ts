import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { KeyValueReply } from "@piecework/cloud/KeyValueRpcs"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import { type Policy, resolve } from "@piecework/policy/Policy"
import { Output } from "@piecework/terminal/Output"
import { ByteSize, Context, Effect, FileSystem, Layer, Option, PlatformError } from "effect"
import { TestClock } from "effect/testing"
import * as DevicePolicy from "../src/DevicePolicy.ts"
import * as Serving from "../src/Serving.ts"
import * as ServiceSettings from "@piecework/device/ServiceSettings"

const folder = "/etc/piecework"
const file = join(folder, "policy.json")
const managed = join(folder, "managed.json")

interface File {
  readonly text: string
  readonly changedAt: number
  readonly inode: number
}

const missing = (path: string) =>
  Effect.fail(
    PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "stat", pathOrDescriptor: path })
  )

/** Files in memory, and what the program said. */
const desk = () => {
  const files = new Map<string, File>()
  const notes: Array<string> = []
  let inode = 0
  const of = (path: string) => {
    const found = files.get(path)
    return found === undefined ? missing(path) : Effect.succeed(found)
  }
  const fs = FileSystem.layerNoop({
    stat: (path) =>
      Effect.map(of(path), ({ changedAt, inode: ino, text }) => ({
        type: "File" as const,
        mtime: Option.some(new Date(changedAt)),
        atime: Option.none(),
        birthtime: Option.none(),
        dev: 0n,
        ino: Option.some(BigInt(ino)),
        mode: 0o644,
        nlink: Option.none(),
        uid: Option.none(),
        gid: Option.none(),
        rdev: Option.none(),
        size: ByteSize.bytes(text.length),
        blksize: Option.none(),
        blocks: Option.none()
      })),
    readFileString: (path) => Effect.map(of(path), ({ text }) => text)
  })
  const output = Layer.succeed(Output, {
    line: () => Effect.void,
    complete: Effect.void,
    note: (text) => Effect.sync(() => void notes.push(text)),
    isWatched: false,
    columns: () => 80,
    redraw: () => Effect.void,
    redrawUnsafe: () => undefined
  })
  return {
    layer: Layer.merge(fs, output),
    notes,
    write: (path: string, text: string, changedAt: number, same?: number) =>
      void files.set(path, { text, changedAt, inode: same ?? ++inode }),
    remove: (path: string) => void files.delete(path)
  }
}

const delayOf = (policy: Policy) => policy.get("DODelayForegroundDownloadFromHttp")
const delay = (seconds: number) => JSON.stringify({ DODelayForegroundDownloadFromHttp: seconds })

/** Settings that are kept up, and what listeners heard. */
const watching = (layer: Layer.Layer<FileSystem.FileSystem | Output>, policy: Option.Option<string> = Option.none()) =>
  Effect.gen(function* () {
    const live = yield* DevicePolicy.live({ policy }, folder)
    const heard: Array<number | undefined> = []
    yield* live.onChange((now) => heard.push(delayOf(now)))
    yield* Effect.forkScoped(live.keepUp)
    return { live, heard, now: () => delayOf(live.current()) }
  }).pipe(Effect.provide(layer))

describe("A policy file", () => {
  it.effect("that comes, changes or goes is taken up within seconds, and told of", () =>
    Effect.gen(function* () {
      const { layer, notes, remove, write } = desk()
      const { heard, now } = yield* watching(layer)
      assert.isUndefined(now())
      write(file, delay(60), 1_000)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(now(), 60)
      write(file, delay(90), 3_000)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(now(), 90)
      remove(file)
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(now())
      assert.deepStrictEqual(heard, [60, 90, undefined])
      assert.deepStrictEqual(notes, [
        "piecework: The policy has changed: DODelayForegroundDownloadFromHttp is 60 s.",
        "piecework: The policy has changed: DODelayForegroundDownloadFromHttp is 90 s.",
        "piecework: The policy has changed: DODelayForegroundDownloadFromHttp is not set."
      ])
    })
  )

  it.effect("that says another group is told of as what counts at the next start", () =>
    Effect.gen(function* () {
      const { layer, notes, write } = desk()
      yield* watching(layer)
      write(file, '{ "DOGroupId": "lab", "DOMaxCacheAge": 60 }', 1_000)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(notes, [
        "piecework: The policy has changed: DOGroupId is lab from the next start on, DOMaxCacheAge is 60 s."
      ])
    })
  )

  it.effect("is noticed when it changes twice in one moment without another length", () =>
    Effect.gen(function* () {
      const { layer, write } = desk()
      yield* TestClock.adjust("100 seconds")
      write(file, delay(60), 100_000, 1)
      const { now } = yield* watching(layer)
      assert.strictEqual(now(), 60)
      write(file, delay(61), 100_000, 1)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(now(), 61)
    })
  )

  it.effect("that breaks goes on saying what it said, is told of once, and is heard again when it is mended", () =>
    Effect.gen(function* () {
      const { layer, notes, write } = desk()
      write(file, delay(60), 0)
      const { heard, now } = yield* watching(layer)
      write(file, "{", 1_000)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(now(), 60)
      write(file, "[", 21_000)
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(notes, [
        `piecework: The policy file ${file} cannot be used any more, and what it said before holds: it is no JSON.`
      ])
      write(file, delay(30), 41_000)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(heard, [30])
    })
  )

  it.effect("that is only being written is not told of", () =>
    Effect.gen(function* () {
      const { layer, notes, write } = desk()
      write(file, delay(60), 0)
      const { now } = yield* watching(layer)
      write(file, "", 1_500)
      yield* TestClock.adjust("2 seconds")
      write(file, delay(61), 2_001)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(now(), 61)
      assert.strictEqual(notes.length, 1)
    })
  )

  it.effect("that was named and goes away goes on saying what it said, and is heard when it is there again", () =>
    Effect.gen(function* () {
      const named = "/srv/policy.json"
      const { layer, notes, remove, write } = desk()
      write(named, delay(60), 0)
      const { now } = yield* watching(layer, Option.some(named))
      remove(named)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(now(), 60)
      assert.include(notes.join(), "it is not there")
      write(named, delay(60), 11_000)
      yield* TestClock.adjust("4 seconds")
      remove(named)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(notes.length, 2, "told of again when it goes again")
    })
  )

  it.effect("of the organisation wins over the device's, and a value that is none is told of with who said it", () =>
    Effect.gen(function* () {
      const { layer, notes, write } = desk()
      write(file, delay(60), 0)
      const { now } = yield* watching(layer)
      write(managed, delay(5), 1_000)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(now(), 5)
      write(managed, delay(-7), 3_000)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(now(), 60)
      const warnings = notes.filter((note) => note.includes("ignored"))
      assert.deepStrictEqual(warnings, [
        "piecework: DODelayForegroundDownloadFromHttp in the managed policy file is -7, and is ignored: it takes 0 to 4294967295 s."
      ])
    })
  )

  it.live("that is replaced by a rename is another file", () =>
    Effect.gen(function* () {
      const root = mkdtempSync(join(tmpdir(), "piecework-test-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(root, { recursive: true })))
      const live = yield* DevicePolicy.live({ policy: Option.none() }, root)
      writeFileSync(join(root, "next"), delay(7))
      renameSync(join(root, "next"), join(root, "policy.json"))
      yield* Effect.forkScoped(live.keepUp)
      yield* Effect.sleep("10 millis").pipe(Effect.repeat({ until: () => delayOf(live.current()) === 7 }))
    }).pipe(Effect.provide([NodeServices.layer, Output.layer]), Effect.timeout("20 seconds"))
  )
})

describe("What the service says to all its devices", () => {
  const service = "http://service.test:7670"
  const reply = (settings: KeyValueReply["settings"], expiresInSeconds = 3600) =>
    new KeyValueReply({
      contentPolicyUrl: `${service}/rpc/cp` as never,
      discoveryUrl: `${service}/rpc/discovery` as never,
      expiresInSeconds,
      settings
    })

  /** The services, which say this; the time between two words is real, and that between two files is not needed. */
  const heardBy = (root: string, says: () => KeyValueReply) =>
    Effect.gen(function* () {
      const { layer } = desk()
      const live = yield* Effect.provide(
        DevicePolicy.live({ policy: Option.none(), service: Option.some(service), state: Option.some(root) }, folder),
        layer
      )
      const cloud = Layer.effect(
        Cloud.Cloud,
        Effect.map(Cloud.Cloud, (base) => ({
          ...base,
          whereabouts: Effect.sync(() => ({ geo: undefined as never, keyValue: says() }))
        }))
      ).pipe(Layer.provide(Cloud.Cloud.layerTest()), Layer.provide(CloudConfig.layer({ serviceUrl: service })))
      const context = yield* Layer.build(
        ServiceSettings.layer({ root, service, atOnce: false, hear: live.hear }).pipe(Layer.provide(cloud))
      )
      yield* Context.get(context, Cloud.Cloud).whereabouts
      return live
    })

  const inFolder = Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-test-"))),
      (root) => Effect.sync(() => rmSync(root, { recursive: true }))
    ),
    (root) => root
  )

  it.live("is heard with its answer, is below what the device says, and is there at the next start", () =>
    Effect.gen(function* () {
      const root = yield* inFolder
      const said = reply({ DODelayForegroundDownloadFromHttp: 12, DOMaxCacheAge: 60, DOModifyCacheDrive: "/tmp/x" })
      const live = yield* heardBy(root, () => said)
      assert.strictEqual(delayOf(live.current()), 12)
      assert.strictEqual(live.current().effective("DOMaxCacheAge").provider, "KeyValueService")
      assert.isFalse(live.current().isSet("DOModifyCacheDrive"), "a service names no folder of a device")
      const { layer, write } = desk()
      write(file, '{ "DOMaxCacheAge": 7 }', 0)
      const given = { policy: Option.none(), service: Option.some(service), state: Option.some(root) }
      const next = yield* Effect.provide(DevicePolicy.load(given, folder), layer)
      assert.strictEqual(delayOf(next), 12)
      assert.strictEqual(next.effective("DOMaxCacheAge").provider, "MachineFile")
      const other = { ...given, service: Option.some("http://other.test") }
      assert.isUndefined(delayOf(yield* Effect.provide(DevicePolicy.load(other, folder), layer)))
    })
  )

  it.effect("is forgotten a week after it expired", () =>
    Effect.gen(function* () {
      const root = yield* inFolder
      yield* Effect.scoped(heardBy(root, () => reply({ DODelayForegroundDownloadFromHttp: 12 }, 3600)))
      const kept = ServiceSettings.kept(root, service)
      yield* TestClock.adjust("7 days")
      assert.isTrue(Option.isSome(yield* kept))
      yield* TestClock.adjust("1 hour")
      assert.isTrue(Option.isNone(yield* kept))
    })
  )

  it.live("is nothing when the file of it is damaged", () =>
    Effect.gen(function* () {
      const root = yield* inFolder
      yield* heardBy(root, () => reply({ DODelayForegroundDownloadFromHttp: 12 }))
      const place = join(root, "settings", `${encodeURIComponent(service)}.json`)
      writeFileSync(place, readFileSync(place, "utf8").slice(0, 40))
      assert.isTrue(Option.isNone(yield* ServiceSettings.kept(root, service)))
    })
  )
})

const withMode = (mode: number) => resolve([{ provider: "ManagedFile", values: { DODownloadMode: mode } }])

describe("An agent", () => {
  it.effect("serves while the settings let it have peers, in the mode that they say", () =>
    Effect.gen(function* () {
      const { layer, notes } = desk()
      const policy = LivePolicy.changing(withMode(1))
      const served: Array<string> = []
      const serve = (mode: string) =>
        Effect.acquireUseRelease(
          Effect.sync(() => served.push(`${mode} begins`)),
          () => Effect.never,
          () => Effect.sync(() => served.push(`${mode} ends`))
        )
      yield* Serving.whileAllowed({ policy, mode: "Lan" }, serve).pipe(Effect.provide(layer), Effect.forkScoped)
      for (const mode of [1, 0, 0, 3, 1]) {
        yield* TestClock.adjust(1)
        policy.set(withMode(mode))
      }
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(served, ["Lan begins", "Lan ends", "Internet begins", "Internet ends", "Lan begins"])
      assert.deepStrictEqual(notes, [
        "piecework: No peers are served from now on: the mode HttpOnly has none.",
        "piecework: Peers are served again.",
        "piecework: Peers are served in the mode Lan from now on."
      ])
    })
  )
})
