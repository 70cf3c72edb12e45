/** A client that holds the file in its cache, and one that has nothing and whose origin is gone. */
import { Effect, FileSystem, Path, Schema, Scope } from "effect"
import * as Apps from "./Apps.ts"
import * as ClientResult from "./ClientResult.ts"
import * as Contest from "./Contest.ts"
import { type Options, startOrigin } from "./HttpContest.ts"
import { announcement, Meter } from "./Meter.ts"
import * as Workshop from "./Workshop.ts"

const ServiceReady = Schema.Struct({ listening: Schema.String })

/** Publishes the file, lets one client fetch it and go on serving it, and takes the origin away. */
export const contender = Effect.fnUntraced(function* (options: Options) {
  const { root, file, limitMillis } = options
  const meter = yield* Meter
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const scope = yield* Scope.Scope

  const data = path.join(root, "service")
  const { listening } = yield* announcement(yield* meter.start(Apps.service(data)), ServiceReady)
  const seeding = Effect.gen(function* () {
    const { url } = yield* startOrigin(file.path)
    yield* meter.run(Apps.publish(file.path, url, data), limitMillis)
    const output = path.join(root, "seeder-file")
    const places = { url, output, state: path.join(root, "seeder"), service: listening, seed: true }
    const seeder = yield* meter.start(Apps.getWithPeers(places)).pipe(Effect.provideService(Scope.Scope, scope))
    yield* announcement(seeder, ClientResult.ClientResult, limitMillis)
    // It serves from its cache; the disk is better used for something else.
    yield* Effect.ignore(fs.remove(output))
    return { seeder, url }
  })
  const { seeder, url } = yield* Effect.scoped(seeding)

  const run = Effect.fnUntraced(function* () {
    const folder = yield* Workshop.room(root, "piecework")
    const output = path.join(folder, "file")
    const places = { url, output, state: path.join(folder, "state"), service: listening, seed: false }
    const before = yield* seeder.usage
    const measured = yield* meter.run(Apps.getWithPeers(places), limitMillis)
    const after = yield* seeder.usage
    yield* ClientResult.expectSource(measured.stdout, "peers", file.size)
    yield* Workshop.verify("piecework", output, file)
    return Contest.sample(measured, before, after)
  }, Effect.scoped)
  return { name: "piecework, peer to peer", version: "bundle", run }
})
