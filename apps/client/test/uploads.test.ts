import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as Programs from "./support/programs.ts"
import * as Site from "./support/site.ts"

/** A machine whose battery a test writes, on no network that NetworkManager knows. */
const machine = (root: string, first: Battery) => {
  const supply = join(root, "machine", "sys", "class", "power_supply", "BAT0")
  mkdirSync(supply, { recursive: true })
  const write = ({ capacity, status }: Battery) => {
    for (const [name, text] of Object.entries({ type: "Battery", present: "1", capacity: String(capacity), status })) {
      writeFileSync(join(supply, name), `${text}\n`)
    }
  }
  write(first)
  return { write, env: { PIECEWORK_HOST_ROOT: join(root, "machine") } }
}

interface Battery {
  readonly status: "Charging" | "Discharging"
  readonly capacity: number
}

const monthNow = () => {
  const now = new Date()
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}`
}

describe("piecework on a battery", () => {
  it.live(
    "serves nobody until it is plugged in",
    () =>
      Effect.gen(function* () {
        const site = yield* Site.published({ length: 12_000_000 })
        const get = (name: string) => Programs.run("piecework", site.get(name, "--json", "--no-progress-timeout", "5s"))
        assert.strictEqual((yield* get("first")).code, 0)

        const { env, write } = machine(site.root, { status: "Discharging", capacity: 60 })
        const device = { ...env, PIECEWORK_DOMINBATTERYPERCENTAGEALLOWEDTOUPLOAD: "" }
        const state = ["--state", site.state("first")]
        yield* Programs.agent(site.agent("first"), device)
        const status = yield* Programs.run("piecework", ["status", ...state], device)
        assert.include(status.stdout, "Nothing is sent to peers now: the device is on battery: DOMinBattery")
        assert.match(status.stdout, /OFFERED\n.* asked for\n/)
        const second = JSON.parse((yield* get("second")).stdout) as { readonly bytes: { readonly Lan: number } }
        assert.strictEqual(second.bytes.Lan, 0)

        // From here on there is the agent or nobody.
        site.origin.fail(403)
        write({ status: "Charging", capacity: 60 })
        let attempts = 0
        while ((yield* get(`third${attempts}`)).code !== 0) assert.isBelow(++attempts, 20)
      }),
    120_000
  )
})

describe("config --explain", () => {
  it.live("says what was sent to Internet peers this month, and what the battery does", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const { env } = machine(root, { status: "Discharging", capacity: 30 })
      mkdirSync(join(root, "state", "months"), { recursive: true })
      writeFileSync(join(root, "state", "months", `${monthNow()}.log`), "\n1073741824;\n\n1073741824;\n")
      const explain = (name: string, more: { readonly [name: string]: string } = {}) =>
        Effect.map(
          Programs.run("piecework", ["config", "--explain", name, "--state", join(root, "state")], { ...env, ...more }),
          ({ code, stderr, stdout }) => {
            assert.strictEqual(code, exitCodes.ok, stderr)
            return stdout
          }
        )
      const cap = yield* explain("DOMonthlyUploadDataCap")
      assert.include(cap, `Sent to Internet peers in ${monthNow()}: 2.0 GiB of 20.0 GiB.`)
      assert.include(cap, "The mode Lan has no Internet peers")
      assert.notInclude(cap, "does not carry it out")
      const reached = yield* explain("DOMonthlyUploadDataCap", {
        PIECEWORK_DODOWNLOADMODE: "3",
        PIECEWORK_DOMONTHLYUPLOADDATACAP: "2"
      })
      assert.include(reached, "Nothing is sent to Internet peers now: the 2 GB that may be sent")
      const battery = { PIECEWORK_DOMINBATTERYPERCENTAGEALLOWEDTOUPLOAD: "40" }
      assert.include(
        yield* explain("DOMinBatteryPercentageAllowedToUpload", battery),
        "Nothing is sent to peers now: the battery is at 30 %, and 40 are asked for."
      )
      assert.include(yield* explain("DeviceClass", { PIECEWORK_DEVICECLASS: "1" }), "counts as a server")
    })
  )
})
