/**
 * A BitTorrent tracker on a LAN as a process: `tracker-of-lan.ts HOST PORT`. Those who announce see each other at the
 * addresses of the LAN; a tracker beyond the NAT would tell all of them one and the same.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect } from "effect"
import * as Tracker from "../Tracker.ts"

Tracker.serve({ host: process.argv[2] ?? "127.0.0.1", port: Number(process.argv[3] ?? 0) }).pipe(
  Effect.flatMap(({ url }) => Console.log(JSON.stringify({ listening: url }))),
  Effect.andThen(Effect.never),
  Effect.scoped,
  NodeRuntime.runMain
)
