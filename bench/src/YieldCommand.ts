/** `bench -- yield`: the options of the scenario with background beside foreground. */
import * as Quantity from "@piecework/terminal/Quantity"
import { ByteSize, Console, Effect, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as Yield from "./yield/Yield.ts"

/** Less holds no burst of a host; more than a minute of the usual rate is no queue any more. */
const leastQueue = 20_000
const mostQueue = 400_000_000

export const yields = Command.make(
  "yield",
  {
    rate: Flag.String("rate").pipe(
      Flag.withDefault("50mbit"),
      Flag.filterMap(Quantity.rate, (text) => `"${text}" is no rate; write it like 50mbit`),
      Flag.withMetavar("RATE"),
      Flag.withDescription("Rate of the line, either way (default 50mbit)")
    ),
    queue: Flag.String("queue").pipe(
      Flag.withSchema(Schema.ByteSizeFromString),
      Flag.filter(
        (size) => ByteSize.toNumberUnsafe(size) >= leastQueue && ByteSize.toNumberUnsafe(size) <= mostQueue,
        () => "take a queue of 20 kB to 400 MB"
      ),
      Flag.withDefault(ByteSize.megabytes(1)),
      Flag.withDescription("Bytes that may wait before the line (default 1MB)")
    ),
    rtt: Flag.String("rtt").pipe(
      Flag.withDefault("20ms"),
      Flag.filterMap(Quantity.span(2000), (text) => `"${text}" is no time up to 2s; write it like 20ms`),
      Flag.withMetavar("TIME"),
      Flag.withDescription("Round trip over the line without queues (default 20ms)")
    ),
    seconds: Flag.Int("seconds").pipe(
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 120 }))),
      Flag.withDefault(10),
      Flag.withDescription("Seconds of each measurement, of which there are eight (default 10)")
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Print the JSON on one line, and nothing on standard error")
    )
  },
  Effect.fnUntraced(
    function* ({ json, queue, rate, rtt, seconds }) {
      const report = yield* Yield.run({
        rate,
        queueBytes: ByteSize.toNumberUnsafe(queue),
        rttMillis: rtt,
        seconds,
        note: (text) => (json ? Effect.void : Console.error(text))
      })
      yield* Console.log(JSON.stringify(report, null, json ? 0 : 2))
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription("An upload in the background beside a flow that somebody waits for, over a line (needs root)")
)
