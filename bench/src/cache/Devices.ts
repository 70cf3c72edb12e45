/** What the devices of a site run, with a cache server at their helper's place: curl, or our client with and without its peers. */
import { Effect, FileSystem, Scope } from "effect"
import * as Apps from "../Apps.ts"
import { type Use, useOf } from "../Family.ts"
import { ProgramError } from "../Meter.ts"
import { type Contestant, inside, type Place, type Setting } from "../site/Contestant.ts"
import type { Task } from "../site/Device.ts"
import { startService } from "../site/PieceworkDevices.ts"
import { originPort } from "../site/Round.ts"
import { ask } from "./Requests.ts"
import type { Server } from "./Servers.ts"

export const ports = { cache: 80 } as const

/** How a case goes: who asks, and whether there is a service that knows the file. */
export interface Manner {
  readonly how: string
  readonly devices: "curl" | "client" | "clientWithPeers"
  readonly hasService: boolean
}

/** As a contestant of a site. `folder` is a new one for the server, and `hear` hears what the server has used when the run is over. */
export const contestant = (
  server: Server,
  manner: Manner,
  folder: Effect.Effect<string, ProgramError, Scope.Scope | FileSystem.FileSystem>,
  hear: (use: Use) => void
): Contestant => ({
  tool: server.name,
  how: `${server.how}; ${manner.how}`,
  install: server.install,
  version: server.version,
  open: Effect.fnUntraced(function* (setting) {
    if (manner.hasService) yield* startService(setting)
    for (const { helper } of setting.topology.sites) {
      const daemon = yield* server.start({
        inside: (invocation) => inside(helper.namespace, invocation),
        host: helper.address,
        port: ports.cache,
        folder: yield* folder,
        origin: { host: setting.topology.origin.address, port: originPort },
        service: manner.hasService ? setting.service.url : undefined
      })
      yield* Scope.addFinalizer(
        yield* Effect.scope,
        Effect.sync(() => {
          const use = useOf(daemon.pid)
          if (use !== undefined) hear(use)
        })
      )
    }
    return manner.devices === "curl" ? curl(server, setting) : yield* client(setting, manner.devices)
  })
})

/** Every form that the server knows, in turns: all of them mean one file. */
const curl =
  (server: Server, { topology }: Setting) =>
  ({ folder, host, site }: Place): Task => {
    const form = server.forms[site.devices.indexOf(host) % server.forms.length] ?? "host"
    const asked = ask(form, site.helper.address, topology.origin.address, "/file")
    return {
      namespace: host.namespace,
      folder,
      invocation: () => Apps.curlAsking(asked, `${folder}/file`),
      done: { _tag: "Exit" }
    }
  }

const client = Effect.fnUntraced(function* ({ folder, service, topology, url }: Setting, devices: Manner["devices"]) {
  const fs = yield* FileSystem.FileSystem
  const settings = new Map<string, string>()
  for (const { helper, router } of topology.sites) {
    const policy = `${folder}/${router}.json`
    yield* fs
      .writeFileString(policy, JSON.stringify({ DOCacheHost: helper.address }))
      .pipe(
        Effect.mapError(
          (cause) => new ProgramError({ name: "policy", reason: "NotStarted", detail: cause.message, cause })
        )
      )
    settings.set(router, policy)
  }
  const more = devices === "client" ? ["--mode", "http-only"] : ["--mode", "lan", "--link", "--seed", "3 hours"]
  return (place: Place): Task => ({
    namespace: place.host.namespace,
    folder: place.folder,
    invocation: () =>
      Apps.getUnder({
        url,
        output: `${place.folder}/file`,
        state: `${place.folder}/state`,
        policy: settings.get(place.site.router) ?? "",
        more: ["--service", service.url, "--events", ...more]
      }),
    done: { _tag: "Line", isIt: (line) => line.startsWith('{"result"') }
  })
})
