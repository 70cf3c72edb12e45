import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { Command } from "effect/cli"
import { TestConsole } from "effect/testing"
import { command } from "../src/SimulateCommand.ts"

const small = ["--sites", "1", "--devices", "3", "--size", "12MB"]

const run = (...args: ReadonlyArray<string>) =>
  Effect.exit(Command.runWith(command, { version: "0" })(args)).pipe(Effect.provide(NodeServices.layer))

describe("simulate", () => {
  it.effect("prints one JSON object in which no clock shows, and the same for the same seed", () =>
    Effect.gen(function* () {
      const exits = yield* Effect.all([
        run(...small, "--json"),
        run(...small, "--json"),
        run(...small, "--json", "--seed", "2")
      ])
      assert.isTrue(exits.every(Exit.isSuccess))
      const [first, second, other] = (yield* TestConsole.logLines).map(String)
      assert.strictEqual(first, second)
      assert.notStrictEqual(first, other)
      const report = JSON.parse(first ?? "")
      assert.strictEqual(report.complete, 3)
      assert.notMatch(first ?? "", /took/)
      assert.match(String((yield* TestConsole.errorLines)[0]), /^tookSeconds \d/)
    })
  )

  it.effect("refuses what makes no sense, and says why", () =>
    Effect.gen(function* () {
      for (const [args, why] of [
        [["--size", "1MB"], /at least 10 MB/],
        [["--wan", "100"], /"100" is no rate; write it like 100mbit/],
        [["--rtt", "3s"], /"3s" is no time up to 2s/],
        [["--start", "later"], /"later" is neither together nor a time/],
        [["--churn", "101%"], /"101%" is no share up to 100%/],
        [["--sites", "0"], /between/],
        [["--service", "sideways"], /sideways/],
        [["--sites", "1000", "--devices", "5000"], /are too many/]
      ] as const) {
        const exit = yield* run(...args)
        assert.isTrue(Exit.isFailure(exit), args.join(" "))
        const said = [...(yield* TestConsole.errorLines), String(exit)].join("\n")
        assert.match(said, why)
      }
    })
  )
})
