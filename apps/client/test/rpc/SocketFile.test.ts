import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type FileSystem, type Scope } from "effect"
import * as SocketFile from "@piecework/device/SocketFile"
import * as Programs from "../support/programs.ts"

/** A server that listens there until the scope closes. */
const listen = (
  path: string,
  users: "own" | "all" = "own"
): Effect.Effect<void, SocketFile.SocketFileError, FileSystem.FileSystem | Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => createServer((socket) => socket.on("error", () => undefined).end("here"))),
      (server) => Effect.sync(() => void server.close())
    ),
    (server) => SocketFile.listen(server, path, SocketFile.rights[users])
  )

/** As after a kill -9: the file is there, and nobody listens. */
const leftBehind = (path: string): void => {
  const program = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
  spawnSync(process.execPath, ["--eval", program])
  assert.isTrue(statSync(path).isSocket())
}

const rights = (path: string): string => (statSync(path).mode & 0o777).toString(8)

const inFolder = <A, E>(test: (folder: string) => Effect.Effect<A, E, FileSystem.FileSystem | Scope.Scope>) =>
  Effect.flatMap(Programs.folder, test).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

describe("The agent's socket", () => {
  it.live("is for those who may give jobs, and gone with the agent", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        for (const [users, ofFolder, ofFile] of [
          ["own", "700", "600"],
          ["all", "755", "666"]
        ] as const) {
          const path = join(folder, users, "agent.sock")
          yield* Effect.scoped(
            Effect.andThen(
              listen(path, users),
              Effect.sync(() => {
                assert.deepStrictEqual(readdirSync(join(folder, users)), ["agent.sock"])
                assert.deepStrictEqual([rights(join(folder, users)), rights(path)], [ofFolder, ofFile])
              })
            )
          )
          assert.deepStrictEqual(readdirSync(join(folder, users)), [])
        }
      })
    )
  )

  it.live("takes the place of one that a killed agent left, and of no other", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const path = join(folder, "agent.sock")
        leftBehind(path)
        yield* listen(path)
        const error = yield* Effect.flip(Effect.scoped(listen(path)))
        assert.strictEqual(error.reason, "InUse")
        assert.include(error.message, `Another agent answers at ${path}`)
        // It is the first one's still.
        const said = yield* Effect.callback<string>((resume) => {
          connect(path).once("data", (text) => resume(Effect.succeed(String(text))))
        })
        assert.strictEqual(said, "here")
        assert.deepStrictEqual(readdirSync(folder), ["agent.sock"])
        const file = join(folder, "file")
        writeFileSync(file, "mine")
        assert.strictEqual((yield* Effect.flip(Effect.scoped(listen(file)))).reason, "NoSocket")
        assert.isTrue(existsSync(file))
      })
    )
  )

  it.live("goes to one of two agents that start at once over a file that was left", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        for (let n = 0; n < 5; n++) {
          const path = join(folder, `agent${n}`)
          leftBehind(path)
          const all = yield* Effect.all(
            [1, 2].map(() => Effect.result(listen(path))),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(all.filter(({ _tag }) => _tag === "Success").length, 1)
        }
      })
    )
  )

  it.live("has a path of at most 107 bytes", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const longest = join(folder, "x".repeat(107 - folder.length - 1))
        yield* listen(longest)
        const error = yield* Effect.flip(Effect.scoped(listen(`${longest}x`)))
        assert.strictEqual(error.reason, "TooLong")
        assert.include(error.message, "at most 107 bytes")
        mkdirSync(join(folder, "d"))
        assert.strictEqual((yield* Effect.flip(Effect.scoped(listen(join(folder, "d"))))).reason, "NoSocket")
      })
    )
  )
})
