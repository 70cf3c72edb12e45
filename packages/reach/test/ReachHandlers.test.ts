import { assert, layer } from "@effect/vitest"
import * as Caller from "@piecework/cloud/Caller"
import { ReachRequest, ReachRpcs } from "@piecework/cloud/ReachRpcs"
import { ReachConfig, ReachHandlers } from "@piecework/reach"
import { TransportError } from "@piecework/transport/ByteStream"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Fiber, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { RpcClient, RpcTest } from "effect/rpc"

/** Where the service dialled, and what came of it by the port: an even one is open, 7681 refused, 7683 silent. */
const dialled = Ref.makeUnsafe<ReadonlyArray<string>>([])
const network = Layer.succeed(
  Transport,
  Transport.of({
    dial: ({ host, port, timeout = "15 seconds" }) =>
      Effect.gen(function* () {
        yield* Ref.update(dialled, (all) => [...all, `${host}:${port}`])
        const fails = (reason: TransportError["reason"]) =>
          new TransportError({ operation: "dial", address: `${host}:${port}`, reason })
        if (port === 7681) return yield* fails("Refused")
        if (port === 7683) return yield* Effect.delay(Effect.fail(fails("TimedOut")), timeout)
        // Nothing is written there and nothing read.
        return {} as never
      }),
    listen: () => Effect.die("nobody listens")
  })
)

const handlers = (config?: Parameters<typeof ReachConfig.layer>[0]) =>
  Layer.mergeAll(
    ReachHandlers.layer.pipe(
      Layer.provide([network, ReachConfig.layer({ own: () => new Set(["203.0.113.9"]), ...config })])
    ),
    Caller.layerInProcess()
  )

const reach = Effect.fnUntraced(function* (from: string, port = 7680, headers: Readonly<Record<string, string>> = {}) {
  yield* Ref.set(dialled, [])
  const client = yield* RpcTest.makeClient(ReachRpcs)
  const reply = yield* client
    .Reach(new ReachRequest({ clientVersion: "1", port }))
    .pipe(RpcClient.withHeaders({ [Caller.externalIpHeader]: from, ...headers }))
  return { ...reply, dialled: yield* Ref.get(dialled) }
})

layer(handlers())("a service that is asked whether others reach a device", (it) => {
  it.effect("dials the address that the call came from, at the port that it named", () =>
    Effect.gen(function* () {
      const { address, dialled: at, outcome } = yield* reach("198.51.100.7")
      assert.deepStrictEqual([outcome, address, at], ["Reachable", "198.51.100.7", ["198.51.100.7:7680"]])
    })
  )

  it.effect("tells a connection that was refused", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* reach("198.51.100.8", 7681)).outcome, "Refused")
    })
  )

  it.effect("waits two seconds for an answer, and tells that none came", () =>
    Effect.gen(function* () {
      const asking = yield* Effect.forkChild(reach("198.51.100.9", 7683))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(asking)).outcome, "Silent")
    })
  )

  for (const [whose, address] of [
    ["loopback", "127.0.0.1"],
    ["loopback by IPv6", "::1"],
    ["a link-local address", "169.254.1.1"],
    ["a cloud's metadata service", "169.254.169.254"],
    ["another one's", "100.100.100.200"],
    ["its own address", "203.0.113.9"]
  ] as const) {
    it.effect(`never dials ${whose}`, () =>
      Effect.gen(function* () {
        const { dialled: at, outcome } = yield* reach(address)
        assert.deepStrictEqual([outcome, at], ["NotTried", []])
      })
    )
  }

  for (const header of ["x-forwarded-for", "forwarded", "via"]) {
    it.effect(`does not dial whom a proxy that it does not know calls for (${header})`, () =>
      Effect.gen(function* () {
        const { dialled: at, outcome } = yield* reach("198.51.100.10", 7680, { [header]: "x" })
        assert.deepStrictEqual([outcome, at], ["NotTried", []])
      })
    )
  }

  it.effect("says no to who asks for more ports than a device has", () =>
    Effect.gen(function* () {
      const outcomes = yield* Effect.forEach([2000, 2002, 2004, 2006, 2008], (port) =>
        Effect.match(reach("198.51.100.11", port), {
          onSuccess: ({ outcome }): string => outcome,
          onFailure: (error) => error._tag
        })
      )
      assert.deepStrictEqual(outcomes, ["Reachable", "Reachable", "Reachable", "Reachable", "RequestRefused"])
    })
  )
})

layer(handlers({ knowsProxies: true, bars: (address) => address === "10.0.0.5" }))("a service behind a proxy", (it) => {
  it.effect("dials whom its proxy names, and never the proxy", () =>
    Effect.gen(function* () {
      const headers = { "x-forwarded-for": "198.51.100.12" }
      assert.strictEqual((yield* reach("198.51.100.12", 7680, headers)).outcome, "Reachable")
      assert.strictEqual((yield* reach("10.0.0.5", 7680, headers)).outcome, "NotTried")
    })
  )
})
