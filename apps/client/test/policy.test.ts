import { randomBytes } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { monthOf } from "@piecework/download/Months"
import { Host } from "@piecework/host/Host"
import * as Policy from "@piecework/policy/Policy"
import { Output } from "@piecework/terminal/Output"
import { Effect, Layer, Option } from "effect"
import * as DevicePolicy from "../src/DevicePolicy.ts"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

/** A folder with a policy file, and what a program says that is given it. */
const withPolicy = (text: string) =>
  Effect.map(Programs.folder, (root) => {
    const file = join(root, "policy.json")
    writeFileSync(file, text)
    return {
      root,
      file,
      config: (...args: Array<string>) => Programs.run("piecework", ["config", "--policy", file, ...args])
    }
  })

const silent = Layer.merge(NodeServices.layer, Output.layer)

describe("config", () => {
  it.live("shows the settings in force, who says them, and what was wrong", () =>
    Effect.gen(function* () {
      const { config } = yield* withPolicy(
        '{ "DODownloadMode": 2, "DOGroupId": "lab", "DOMaxCacheSize": 101, "Nonsense": 1 }'
      )
      const { code, stderr, stdout } = yield* config()
      assert.strictEqual(code, exitCodes.ok)
      assert.match(stdout, /^DODownloadMode +2 +the policy file$/m)
      assert.match(stdout, /^DOMaxCacheSize +20 % +the default$/m)
      assert.include(stderr, "DOMaxCacheSize in the policy file is 101, and is ignored: it takes 1 to 100 %.")
      assert.include(stderr, "Nonsense in the policy file is no setting, and is ignored.")
    })
  )

  it.live("tells programs the same, and of one setting everything", () =>
    Effect.gen(function* () {
      const { config } = yield* withPolicy('{ "DOMaxCacheAge": 60 }')
      const all = JSON.parse((yield* config("--json")).stdout) as ReadonlyArray<{ readonly [field: string]: unknown }>
      const age = all.find((one) => one["name"] === "DOMaxCacheAge")
      assert.deepInclude(age ?? {}, {
        value: 60,
        provider: "MachineFile",
        default: 259_200,
        unit: "s",
        now: "A content leaves the cache 1 minute after its download."
      })
      assert.deepStrictEqual(JSON.parse((yield* config("--json", "--explain", "domaxcacheage")).stdout), age)
      const { stdout } = yield* config("--explain", "DOMaxCacheAge")
      assert.include(stdout, "DOMaxCacheAge is 60 s, by the policy file.\n")
      assert.match((yield* config("--explain", "DOGroupId")).stdout, /^DOGroupId is not set\.$/m)
      assert.include(
        (yield* config("--explain", "ContentSlots")).stdout,
        "without a word from anybody it is 4. It is Piecework's own."
      )
      const { cacheHosts } = JSON.parse((yield* config("--json", "--explain", "DOCacheHost")).stdout) as {
        readonly cacheHosts: unknown
      }
      assert.deepStrictEqual(cacheHosts, [])
      assert.strictEqual((yield* config("--explain", "Nonsense")).code, exitCodes.usage)
    })
  )

  it.live("says of a device whose cache lies elsewhere what lies in its state folder", () =>
    Effect.gen(function* () {
      const { config, file, root } = yield* withPolicy("{}")
      const drive = join(root, "drive")
      const state = join(root, "state")
      mkdirSync(drive)
      mkdirSync(join(state, "months"), { recursive: true })
      writeFileSync(join(state, "months", `${monthOf(Date.now())}.log`), "1073741824;\n")
      writeFileSync(file, JSON.stringify({ DOModifyCacheDrive: drive }))
      const { stdout } = yield* config("--explain", "DOMonthlyUploadDataCap", "--state", state)
      assert.include(stdout, ": 1.0 GiB of 20.0 GiB.")
    })
  )

  it.live("speaks of the cache where a setting is about it, and of one that cannot be used where it is named", () =>
    Effect.gen(function* () {
      const { config, root } = yield* withPolicy(`{ "DOModifyCacheDrive": "/nonexistent/drive" }`)
      const state = join(root, "state")
      const mode = yield* config("--explain", "DODownloadMode", "--state", state)
      assert.notInclude(mode.stdout, "/nonexistent/drive")
      assert.notInclude(mode.stdout, "state folder")
      const drive = yield* config("--explain", "DOModifyCacheDrive", "--state", state)
      assert.notInclude(drive.stdout, "The cache lies in")
      assert.strictEqual(drive.stdout.split("0x80D03809").length, 2)
    })
  )

  it.live("refuses a file that was named and is none", () =>
    Effect.gen(function* () {
      for (const [text, why] of [
        ["{", "it is no JSON"],
        ["7", "it is no JSON object"]
      ] as const) {
        const { config, file } = yield* withPolicy(text)
        const { code, stderr } = yield* config()
        assert.deepStrictEqual(
          [code, stderr],
          [exitCodes.usage, `piecework: The policy file ${file} cannot be used: ${why}.\n`]
        )
      }
      const missing = yield* Programs.run("piecework", ["config", "--policy", "/nonexistent/policy.json"])
      assert.include(missing.stderr, "it is not there")
    })
  )
})

/** The group of Group mode, from that source. */
const groupFrom = (source: number) =>
  DevicePolicy.groupOf(
    Policy.resolve([{ provider: "MachineFile", values: { DODownloadMode: 2, DOGroupIdSource: source } }])
  )

describe("a policy", () => {
  it.live("sets the mode and the group of a download, and the command line speaks over it", () =>
    Effect.gen(function* () {
      const { file } = yield* withPolicy('{ "DODownloadMode": 100 }')
      const get = (...args: Array<string>) =>
        Programs.run("piecework", ["get", "http://127.0.0.1:9/file", "--policy", file, "--json", ...args])
      assert.strictEqual((yield* get()).code, exitCodes.usage)
      const group = yield* get("--mode", "group")
      assert.include(group.stderr, "DOGroupId or DOGroupIdSource in the policy")
      assert.strictEqual((yield* get("--mode", "simple", "--no-progress-timeout", "1s")).code, exitCodes.unreachable)
    })
  )

  it.live("that asks for more than the device has leaves it without peers, and tells why", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const env = { PIECEWORK_DOMINRAMALLOWEDTOPEER: "100000" }
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(100_000) })
      const folder = ["--state", join(root, "state")]
      const got = yield* Programs.run("piecework", ["get", origin.url, "-o", join(root, "file"), ...folder], env)
      assert.strictEqual(got.code, exitCodes.ok, got.stderr)
      const serving = yield* Programs.run("piecework", ["agent", "--no-rest", "--no-api", ...folder], env)
      assert.strictEqual(serving.code, exitCodes.usage)
      assert.match(serving.stderr, /There are no peers to serve: .*100000 are asked for: DOMinRAMAllowedToPeer/)
      const { stdout } = yield* Programs.run("piecework", ["config", "--explain", "DOMinRAMAllowedToPeer"], env)
      assert.match(
        stdout,
        /This device has no peers now: the device has [\d.]+ GB of memory, and 100000 are asked for\./
      )
    })
  )

  it.effect("of Group mode finds the group that DHCP named, or the domain of the connection", () =>
    Effect.gen(function* () {
      const guid = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
      const dhcp = Host.layerTest({ dhcp: { group: guid, domain: "lab.example" } })
      assert.strictEqual(yield* Effect.provide(groupFrom(3), dhcp), guid)
      assert.strictEqual(yield* Effect.provide(groupFrom(4), dhcp), "lab.example")
      assert.include((yield* Effect.flip(Effect.provide(groupFrom(3), Host.layerTest()))).message, "needs a group")
    })
  )

  it.live("that the organisation manages wins over the command line, and a broken usual file is only told of", () =>
    Effect.gen(function* () {
      const folder = yield* Programs.folder
      const load = DevicePolicy.load({ policy: Option.none(), mode: Option.some("Internet") }, folder)
      assert.strictEqual(DevicePolicy.modeOf(yield* load), "Internet")
      writeFileSync(join(folder, "policy.json"), "[")
      writeFileSync(join(folder, "managed.json"), '{ "DODownloadMode": 0 }')
      assert.strictEqual(DevicePolicy.modeOf(yield* load), "HttpOnly")
    }).pipe(Effect.provide(silent))
  )

  it.live("is no folder, and no file of any length", () =>
    Effect.gen(function* () {
      const folder = yield* Programs.folder
      mkdirSync(join(folder, "sub"))
      writeFileSync(join(folder, "long"), " ".repeat(1_048_577))
      for (const [name, why] of [
        ["sub", "it is no file"],
        ["long", "it is too long"]
      ] as const) {
        const failure = yield* Effect.flip(DevicePolicy.load({ policy: Option.some(join(folder, name)) }, folder))
        assert.include(failure.message, why)
      }
    }).pipe(Effect.provide(silent))
  )
})
