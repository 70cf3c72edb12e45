/** Devices and a service that knows them, as processes over HTTPS. */
import { randomBytes } from "node:crypto"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

const mebibyte = 1_048_576

interface Result {
  readonly mode: string
  readonly why: { readonly reason: string; readonly detail?: string }
  readonly fileBytes: number
}

/** What the service's commands print of what they made. */
interface Made {
  readonly ca: string
  readonly token: string
  readonly id: string
  readonly key: string
  readonly groups: ReadonlyArray<string>
}

const made = (data: string, ...args: ReadonlyArray<string>) =>
  Effect.map(Programs.run("service", [...args, "--data", data, "--json"]), ({ code, stderr, stdout }) => {
    assert.strictEqual(code, 0, stderr)
    return JSON.parse(stdout) as Made
  })

const listening = ["get", "--host", "127.0.0.1", "--port", "0", "--overwrite", "--json"]

/** A service with an authority of its own, for enrolled devices, and an origin with a file that it knows. */
const guarded = Effect.gen(function* () {
  const root = yield* Programs.folder
  const data = join(root, "service")
  const { ca } = yield* made(data, "init")
  const bytes = randomBytes(12 * mebibyte)
  const file = join(root, "published.bin")
  writeFileSync(file, bytes)
  const origin = yield* HttpOrigin.make({ bytes })
  const program = yield* Programs.start(
    "service",
    "--host 127.0.0.1 --port 0 --json --require-enrolment --data".split(" ").concat(data)
  )
  const service = yield* program.line((line) => (JSON.parse(line) as { readonly listening?: string }).listening)
  yield* Programs.publish(file, origin.url, data)
  const get = (name: string, ...more: ReadonlyArray<string>) =>
    Effect.map(
      Programs.run("piecework", [
        ...listening,
        origin.url,
        "-o",
        join(root, `${name}.out`),
        "--state",
        join(root, name),
        "--service",
        service,
        ...more
      ]),
      ({ code, stderr, stdout }) => {
        assert.strictEqual(code, 0, stderr)
        assert.deepStrictEqual(readFileSync(join(root, `${name}.out`)), bytes)
        return JSON.parse(stdout) as Result
      }
    )
  const enrol = (name: string, ...args: ReadonlyArray<string>) =>
    Programs.run("piecework", ["enrol", "--service", service, "--state", join(root, name), "--json", ...args])
  return { root, data, ca, service, origin, get, enrol }
})

describe("piecework enrol", () => {
  it.live("makes a device known, which then has peers until it is revoked; every download is whole all the same", () =>
    Effect.gen(function* () {
      const { ca, data, enrol, get, root, service } = yield* guarded
      const stranger = yield* get("stranger", "--service-ca", ca)
      assert.deepStrictEqual([stranger.mode, stranger.why.reason], ["Simple", "NotEnrolled"])
      // Without the authority it cannot even be asked.
      const untrusting = yield* get("stranger")
      assert.deepStrictEqual([untrusting.mode, untrusting.why.reason], ["Simple", "ServiceUnreachable"])
      assert.include(untrusting.why.detail ?? "", "--service-ca")

      const { token } = yield* made(data, "device", "enrol-token", "create", "--group", "lab")
      const first = yield* enrol("one", "--service-ca", ca, "--name", "pc-1", token)
      assert.strictEqual(first.code, 0, first.stderr)
      const one = JSON.parse(first.stdout) as { readonly device: string; readonly groups: ReadonlyArray<string> }
      assert.deepStrictEqual(one.groups, ["lab"])
      const [file = ""] = readdirSync(join(root, "one", "enrolments"))
      assert.strictEqual(statSync(join(root, "one", "enrolments", file)).mode & 0o777, 0o600)
      // What it knows the service by it has from its enrolment.
      const allowed = yield* get("one")
      assert.deepStrictEqual([allowed.mode, allowed.why.reason], ["Lan", "Requested"])

      const second = yield* enrol("two", "--service-ca", ca, token)
      assert.deepStrictEqual([second.code, second.stdout.includes('"refused"')], [exitCodes.refused, true])

      const rotated = yield* enrol("one", "--rotate")
      assert.strictEqual(rotated.code, 0, rotated.stderr)
      assert.strictEqual((yield* get("one")).mode, "Lan")

      yield* made(data, "device", "revoke", one.device)
      const revoked = yield* Effect.repeat(get("one"), { until: ({ mode }) => mode === "Simple", times: 20 })
      assert.deepStrictEqual([revoked.mode, revoked.why.reason], ["Simple", "NotEnrolled"])
      assert.include(revoked.why.detail ?? "", "credential")
      const forgotten = yield* enrol("one", "--forget")
      assert.deepStrictEqual([forgotten.code, JSON.parse(forgotten.stdout).retired], [0, false])
      assert.strictEqual((yield* enrol("one", "--forget")).code, exitCodes.notFound)
      assert.match(service, /^https:/)
    })
  )

  it.live("lets a device have what its group may have; for another it is not there", () =>
    Effect.gen(function* () {
      const { ca, data, enrol, get, origin, root, service } = yield* guarded
      yield* made(data, "content", "set", origin.url, "--group", "lab")
      for (const group of ["lab", "office"]) {
        const { token } = yield* made(data, "device", "enrol-token", "create", "--group", group)
        assert.strictEqual((yield* enrol(group, "--service-ca", ca, token)).code, exitCodes.ok)
      }
      const allowed = yield* get("lab")
      assert.deepStrictEqual([allowed.mode, allowed.why.reason], ["Lan", "Requested"])
      const other = yield* get("office")
      assert.deepStrictEqual([other.mode, other.why.reason], ["Simple", "ContentUnknown"])
      // What it is told is what it is told of a content that nobody published.
      const nobodys = yield* HttpOrigin.make({ bytes: randomBytes(12 * mebibyte) })
      const unknown = yield* Programs.run("piecework", [
        ...listening,
        nobodys.url,
        "-o",
        join(root, "nobodys.out"),
        "--state",
        join(root, "office"),
        "--service",
        service
      ])
      assert.deepStrictEqual((JSON.parse(unknown.stdout) as Result).why, other.why)
      // Then only the origin decides.
      origin.fail(403)
      const refused = yield* Programs.run("piecework", [
        ...listening,
        origin.url,
        "-o",
        join(root, "refused.out"),
        "--state",
        join(root, "office"),
        "--service",
        service
      ])
      assert.strictEqual(refused.code, exitCodes.refused)
    })
  )

  it.live("is not needed to trust a service by its key, and an answer without its signature is not taken", () =>
    Effect.gen(function* () {
      const { ca, data, enrol, get } = yield* guarded
      const { token } = yield* made(data, "device", "enrol-token", "create")
      assert.strictEqual((yield* enrol("one", "--service-ca", ca, token)).code, exitCodes.ok)
      const keys = [yield* made(data, "key", "add"), yield* made(data, "key", "add")].map(({ id, key }) => ({
        id,
        key
      }))
      const [old = { id: "", key: "" }, next = { id: "", key: "" }] = keys
      for (const { key } of keys) {
        const signed = yield* Effect.repeat(get("one", "--service-key", key), {
          until: ({ mode }) => mode === "Lan",
          times: 20
        })
        assert.strictEqual(signed.mode, "Lan")
      }
      yield* made(data, "key", "retire", old.id)
      const unsigned = yield* Effect.repeat(get("one", "--service-key", old.key), {
        // A machine that is very busy may not hear of the service in time.
        until: ({ mode, why }) => mode === "Simple" && why.reason !== "ServiceUnreachable",
        times: 20
      })
      assert.deepStrictEqual([unsigned.mode, unsigned.why.reason], ["Simple", "NotSigned"])
      assert.strictEqual((yield* get("one", "--service-key", `${old.key},${next.key}`)).mode, "Lan")
    })
  )

  for (const [what, args, code] of [
    ["no service", ["pwe_x"], exitCodes.usage],
    ["no token", ["--service", "https://127.0.0.1:9"], exitCodes.usage],
    ["plain HTTP to another machine", ["--service", "http://service.example", "pwe_x"], exitCodes.usage],
    ["a service that is not there", ["--service", "http://127.0.0.1:9", "pwe_x"], exitCodes.unreachable],
    ["two things at once", ["--service", "https://127.0.0.1:9", "--rotate", "--forget"], exitCodes.usage],
    ["nothing to rotate", ["--service", "https://127.0.0.1:9", "--rotate"], exitCodes.notFound]
  ] as const) {
    it.live(`ends with ${code} and a sentence for ${what}`, () =>
      Effect.gen(function* () {
        const state = join(yield* Programs.folder, "state")
        const ended = yield* Programs.run("piecework", ["enrol", "--state", state, ...args])
        assert.deepStrictEqual([ended.code, ended.stdout], [code, ""])
        assert.match(ended.stderr, /^piecework: .*\.\n$/)
      })
    )
  }
})
