import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import * as Torrent from "../src/Torrent.ts"

describe("Torrent", () => {
  const digests = createHash("sha1").update("x").digest()
  const torrent = Torrent.make({ name: "f", size: 1, digests, tracker: "http://t/a" })

  it("names the tracker, the file and the digests of its pieces", () => {
    const head = "d8:announce10:http://t/a4:infod6:lengthi1e4:name1:f12:piece lengthi1048576e6:pieces20:"
    const expected = Buffer.concat([Buffer.from(head), digests, Buffer.from("7:privatei1eee")])
    assert.strictEqual(Buffer.from(torrent.bytes).toString("hex"), expected.toString("hex"))
  })

  it("is named by the digest of what it shares, whoever tracks it", () => {
    const info = Buffer.from(torrent.bytes).subarray("d8:announce10:http://t/a4:info".length, -1)
    const expected = createHash("sha1").update(info).digest("hex")
    assert.strictEqual(Buffer.from(torrent.infoHash).toString("hex"), expected)
    const elsewhere = Torrent.make({ name: "f", size: 1, digests, tracker: "http://other/a" })
    assert.deepStrictEqual(elsewhere.infoHash, torrent.infoHash)
  })
})
