/** `piecework status`: what this device holds and where it came from. */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { PieceCache } from "@piecework/cache/PieceCache"
import { Records } from "@piecework/download/Records"
import * as Status from "@piecework/download/Status"
import * as Ending from "@piecework/terminal/Ending"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Option } from "effect"
import { Command } from "effect/cli"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import * as Offers from "../Offers.ts"
import { defaultRoot, placesIn } from "@piecework/device/StateFolder"
import * as Uploading from "../Uploading.ts"
import * as StatusTable from "../view/StatusTable.ts"
import { withStored } from "./existing.ts"
import * as options from "./options.ts"

export const status = Command.make(
  "status",
  { state: options.state, policy: options.policy, json: options.json },
  Effect.fn("status")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const policy = yield* DevicePolicy.load({ policy: input.policy })
    yield* Effect.gen(function* () {
      const output = yield* Output
      const { records, damaged } = yield* (yield* Records).list
      const cache = yield* PieceCache
      const files = Status.of(records, yield* (yield* CacheKeeper).list)
      const now = yield* Clock.currentTimeMillis
      const root = Option.getOrElse(input.state, () => defaultRoot(process.env))
      const offers = yield* Offers.read(root)
      const foreign = yield* cache.foreign
      yield* output.line(input.json ? JSON.stringify(files, null, 2) : StatusTable.render(files, now, offers))
      if (input.json) return
      const named = yield* CachePlace.named(policy)
      const uploading = yield* Uploading.look(policy, { root, cache: named ?? placesIn(root).cache })
      for (const sentence of Uploading.summary(policy, uploading)) {
        yield* output.line(sentence)
      }
      if (damaged > 0) yield* output.note(`${damaged} records could not be read and are left out.`)
      for (const entry of foreign) {
        yield* output.note(`In the cache folder lies "${entry.name}", which is not used (${entry.reason}).`)
      }
    }).pipe(withStored(input.state, policy))
  })
).pipe(Command.withDescription("Show what this device holds and where it came from"))
