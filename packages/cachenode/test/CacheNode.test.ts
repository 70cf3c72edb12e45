import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, bytesOf, start } from "./Scene.ts"

const bytes = bytesOf(3_000_000)
const file = {
  bytes,
  headers: { etag: '"v1"', "content-type": "application/x-cab", "last-modified": "Sat, 01 Aug 2026 10:00:00 GMT" }
}
const files = { "http://files.test/a.cab": file, "http://files.test/a.cab?k=1&z": file, "https://tls.test/b": file }

it.live("gives a file to clients of both forms, once fetched, with its marks on every answer", () =>
  Effect.gen(function* () {
    const { fills, port } = yield* start(files)
    const first = yield* ask(port, "/a.cab?cacheHostOrigin=files.test")
    assert.strictEqual(first.status, 200)
    assert.isTrue(first.body.equals(bytes))
    assert.strictEqual(first.headers.etag, '"v1"')
    assert.strictEqual(first.headers["x-cid"], "100")
    assert.match(String(first.headers["cache-status"]), /^piecework; fwd=uri-miss; stored$/)
    const second = yield* ask(port, "/a.cab", { headers: { Host: "files.test" } })
    assert.strictEqual(second.status, 200)
    assert.isTrue(second.body.equals(bytes))
    assert.match(String(second.headers["cache-status"]), /^piecework; hit$/)
    assert.strictEqual(fills.sent(), bytes.length)
  })
)
