import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as AdminFile from "../../src/rest/AdminFile.ts"
import * as PortFile from "../../src/rest/PortFile.ts"
import * as RunFolder from "../../src/rest/RunFolder.ts"
import * as Programs from "../support/programs.ts"

describe("The port file", () => {
  it.live("has the port, is readable by all, takes the place of older ones, and goes with the agent", () =>
    Effect.gen(function* () {
      const run = join(yield* Programs.folder, "made", "when needed")
      mkdirSync(run, { recursive: true })
      for (const old of ["restport.1", "restport.99999", `restport.${process.pid}`]) writeFileSync(join(run, old), "1")
      writeFileSync(join(run, "restport.txt"), "mine")
      const path = yield* Effect.scoped(
        Effect.gen(function* () {
          const file = yield* PortFile.advertise(run, 50_001)
          assert.strictEqual(file, join(run, `restport.${process.pid}`))
          assert.strictEqual(readFileSync(file, "utf8"), "50001\n")
          assert.strictEqual(statSync(file).mode & 0o777, 0o444)
          assert.deepStrictEqual(readdirSync(run).toSorted(), [`restport.${process.pid}`, "restport.txt"].toSorted())
          return file
        })
      )
      assert.isFalse(existsSync(path))
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live.skipIf(process.platform !== "linux")(
    "that is to be where the system takes no folders is an error at once",
    () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(PortFile.advertise("/proc/piecework/run", 50_001)))
        assert.include(error.message, "The run folder /proc/piecework/run cannot be written")
      }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("that cannot be written is an error with its folder", () =>
    Effect.gen(function* () {
      const file = join(yield* Programs.folder, "file")
      writeFileSync(file, "")
      const error = yield* Effect.flip(Effect.scoped(PortFile.advertise(file, 50_001)))
      assert.include(error.message, `The run folder ${file} cannot be written`)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("The run folder", () => {
  const chosen = { named: undefined, isCompatible: false, state: undefined }
  it("is the one that was named, else that of the agent's programs, of the state, of the system", () => {
    const env = { RUNTIME_DIRECTORY: "/run/unit:/run/other", XDG_RUNTIME_DIR: "/run/user/7", XDG_STATE_HOME: "/home/x" }
    assert.strictEqual(RunFolder.of({ named: "/a", isCompatible: true, state: "/s" }, env), "/a")
    assert.strictEqual(
      RunFolder.of({ ...chosen, isCompatible: true, state: "/s" }, env),
      "/var/run/deliveryoptimization-agent"
    )
    assert.strictEqual(RunFolder.of({ ...chosen, state: "/s" }, env), "/s/run")
    assert.strictEqual(RunFolder.of(chosen, env), "/run/unit")
    assert.strictEqual(RunFolder.of(chosen, {}, true), "/run/piecework")
    assert.strictEqual(RunFolder.of(chosen, { XDG_RUNTIME_DIR: "/run/user/7" }, false), "/run/user/7/piecework")
  })
})

const said = (value: unknown) => AdminFile.parse(JSON.stringify({ RestControllerValidateRemoteAddr: value }))

describe("The admin file", () => {
  it("says whether others than this machine may ask, in each form that the agent takes", () => {
    for (const value of [false, "false", 0]) assert.deepStrictEqual(said(value), { validateRemoteAddr: false })
    for (const value of [true, "true", 1]) assert.deepStrictEqual(said(value), { validateRemoteAddr: true })
    for (const value of [null, "no", 2, [false], {}]) assert.deepStrictEqual(said(value), {})
    for (const text of ["", "{", "[]", "null", "1"]) assert.isUndefined(AdminFile.parse(text))
    assert.deepStrictEqual(AdminFile.of([]), { validateRemoteAddr: true })
    assert.deepStrictEqual(AdminFile.of([{}, { validateRemoteAddr: false }]), { validateRemoteAddr: false })
    assert.deepStrictEqual(AdminFile.of([{ validateRemoteAddr: true }, { validateRemoteAddr: false }]), {
      validateRemoteAddr: true
    })
  })

  it.live("is read again on SIGHUP, and keeps what was in force while it cannot be understood", () =>
    Effect.gen(function* () {
      const folder = yield* Programs.folder
      const file = join(folder, AdminFile.fileName)
      yield* Effect.gen(function* () {
        const admin = yield* AdminFile.AdminFile
        const becomes = (is: boolean) =>
          Effect.repeat(
            Effect.sync(() => admin.current().validateRemoteAddr),
            { until: (now) => now === is, schedule: Schedule.spaced("5 millis") }
          )
        assert.isTrue(admin.current().validateRemoteAddr)
        writeFileSync(file, '{"RestControllerValidateRemoteAddr": false}')
        process.emit("SIGHUP")
        yield* becomes(false)
        writeFileSync(file, '{"RestControllerValidateRemoteAddr": tr')
        chmodSync(file, 0o600)
        process.emit("SIGHUP")
        yield* Effect.sleep("50 millis")
        assert.isFalse(admin.current().validateRemoteAddr)
        writeFileSync(file, "{}")
        process.emit("SIGHUP")
        yield* becomes(true)
      }).pipe(Effect.provide(AdminFile.AdminFile.layer([join(folder, "none"), folder])))
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
