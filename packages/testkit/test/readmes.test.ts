import { execFile } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as agentFor from "./agentFor.ts"

const packages = join(import.meta.dirname, "../..")
const block = (language: string, text: string) => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(text)?.[1]

/** Output that differs from run to run is written in a README as words in angle brackets. */
const pattern = (text: string) =>
  new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/<[a-z ]+>/g, "\\S+")}$`)

/** Most programs stand on nothing. */
const nothing: agentFor.Ground = { env: {}, names: [] }

describe("the program in the README", () => {
  for (const name of readdirSync(packages).toSorted()) {
    const folder = join(packages, name)
    const text = existsSync(join(folder, "README.md")) ? readFileSync(join(folder, "README.md"), "utf8") : ""
    const program = block("ts", text)
    if (name === "launch" || name === "testpostgres") continue
    it.live(
      `of ${name} runs and prints what it says`,
      () =>
        Effect.gen(function* () {
          assert.isDefined(program, "a README with a program")
          const { env, names } = name === "client" ? yield* agentFor.ground : nothing
          const called = names.reduce((all, [there, here]) => all.replaceAll(there, here), program)
          const args = ["--conditions=source", "--disable-warning=ExperimentalWarning"]
          const { stdout } = yield* Effect.promise(() =>
            promisify(execFile)(process.execPath, [...args, "--input-type=module-typescript", "--eval", called], {
              cwd: folder,
              env: { ...process.env, ...env },
              timeout: 20_000
            })
          )
          const expected = block("text", text)
          assert.isDefined(expected, "what it prints, as a text block")
          const said = names.reduce((all, [there, here]) => all.replaceAll(here, there), stdout)
          assert.match(said, pattern(expected))
        }).pipe(Effect.scoped),
      30_000
    )
  }
})
