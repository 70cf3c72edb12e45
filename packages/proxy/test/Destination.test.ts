import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Destination from "../src/Destination.ts"

const found = (reach: Destination.Reach) =>
  Effect.callback<string>((resume) =>
    Destination.lookup(reach)("localhost", {}, (error, address) =>
      resume(Effect.succeed(error === null ? String(address) : error.message))
    )
  )

describe("Destinations", () => {
  it("are no addresses of the link, of no device, or of many", () => {
    const refused = ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "224.0.0.1", "::ffff:224.0.0.1", "ff02::1"]
    for (const address of [...refused, "fd00:ec2::254", "255.255.255.255"]) {
      assert.isFalse(Destination.isAllowed(address, "All"), address)
    }
    for (const address of ["192.168.1.1", "10.0.0.1", "8.8.8.8", "2001:db8::1", "fd00::1"]) {
      assert.isTrue(Destination.isAllowed(address, "BeyondThisDevice"), address)
    }
  })
  it("are this device for its own programs alone", () => {
    for (const address of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "localhost"]) {
      assert.isTrue(Destination.isAllowed(address, "All"), address)
      assert.isFalse(Destination.isAllowed(address, "BeyondThisDevice"), address)
    }
  })
  it.effect("that are names are judged by where they lead", () =>
    Effect.gen(function* () {
      assert.isTrue(Destination.isLoopback(yield* found("All")))
      assert.include(yield* found("BeyondThisDevice"), "does not connect to localhost")
    })
  )
})
