import { assert, describe, it } from "@effect/vitest"
import * as Listening from "../../src/cache/Listening.ts"

describe("Listening", () => {
  // From /proc/net/tcp of a machine with a server at 127.0.0.1:7681, and a connection to it.
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1E01 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1
   1: 0100007F:C350 0100007F:1E02 01 00000000:00000000 00:00000000 00000000     0        0 1235 1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1236 1`

  it("sees who listens at an address or at all, and takes no connection for it", () => {
    assert.isTrue(Listening.isListening(table, "127.0.0.1", 7681))
    assert.isFalse(Listening.isListening(table, "127.0.0.2", 7681))
    assert.isFalse(Listening.isListening(table, "127.0.0.1", 50_000))
    assert.isTrue(Listening.isListening(table, "192.168.1.2", 80))
  })
})
