import { homedir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as AgentPlace from "../src/AgentPlace.ts"

const usual = join(homedir(), ".local/state/piecework")
const any = { named: undefined, isCompatible: false, state: undefined }

describe("Where an agent is found", () => {
  for (const [env, isRoot, folder] of [
    [{}, true, "/run/piecework"],
    [{}, false, `${usual}/run`],
    [{ XDG_RUNTIME_DIR: "/run/user/7" }, false, "/run/user/7/piecework"],
    [{ XDG_RUNTIME_DIR: "/run/user/0" }, true, "/run/piecework"],
    [{ XDG_STATE_HOME: "/home/x/state" }, false, "/home/x/state/piecework/run"]
  ] as const) {
    const who = `${isRoot ? "root" : "a user"} with ${JSON.stringify(env)}`
    it(`is ${folder} for ${who}, and programs look there`, () => {
      assert.strictEqual(AgentPlace.runFolder(any, env, isRoot), folder)
      assert.strictEqual(AgentPlace.sockets(env, isRoot)[0], `${folder}/agent.sock`)
    })
  }

  it("is the folder that is named, that of other programs, or that of its state, in this order", () => {
    const env = { RUNTIME_DIRECTORY: "/run/piecework:/run/other" }
    const all = { named: "/here", isCompatible: true, state: "/state" }
    assert.strictEqual(AgentPlace.runFolder(all, env, true), "/here")
    const compatible = "/var/run/deliveryoptimization-agent"
    assert.strictEqual(AgentPlace.runFolder({ ...all, named: undefined }, env, true), compatible)
    assert.strictEqual(AgentPlace.runFolder({ ...any, state: "/state" }, env, true), "/state/run")
    assert.strictEqual(AgentPlace.runFolder(any, env, false), "/run/piecework")
  })
})

describe("The sockets that a program tries", () => {
  it("are the one that is named alone, else those of the state folder, the user and the machine", () => {
    assert.deepStrictEqual(AgentPlace.sockets({ PIECEWORK_SOCKET: "/a", PIECEWORK_STATE: "/s" }, false), ["/a"])
    assert.deepStrictEqual(AgentPlace.sockets({ PIECEWORK_STATE: "/s", XDG_RUNTIME_DIR: "/x" }, false), [
      "/s/run/agent.sock",
      "/x/piecework/agent.sock",
      "/run/piecework/agent.sock"
    ])
    assert.deepStrictEqual(AgentPlace.sockets({}, true), ["/run/piecework/agent.sock"])
  })

  it("are not in folders that systemd gave to a service which is none of ours", () => {
    const env = { RUNTIME_DIRECTORY: "/run/other", STATE_DIRECTORY: "/var/lib/other", XDG_RUNTIME_DIR: "/x" }
    assert.deepStrictEqual(AgentPlace.sockets(env, false), ["/x/piecework/agent.sock", "/run/piecework/agent.sock"])
  })
})
