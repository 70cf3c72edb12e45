import { assert, describe, it } from "@effect/vitest"
import * as Doorkeeper from "../../src/activity/Doorkeeper.ts"

const door = { port: 7682, secret: "s3cret" }
const id = "0b7e3a52-6a53-4e0e-8f3d-1c1d5c8a9b10"

const ask = (over: Partial<Doorkeeper.Request> & { readonly with?: Record<string, string | undefined> } = {}) =>
  Doorkeeper.decide(
    {
      method: "GET",
      target: "/api/now",
      remoteAddress: "127.0.0.1",
      ...over,
      headers: { host: "127.0.0.1:7682", authorization: "Bearer s3cret", ...over.with }
    },
    door
  )

const status = (answer: ReturnType<typeof ask>) => (answer._tag === "Refused" ? answer.status : answer._tag)

describe("Doorkeeper", () => {
  it("lets the page of this device read and act with its secret", () => {
    assert.deepStrictEqual(ask(), { _tag: "Now" })
    assert.deepStrictEqual(ask({ method: "POST", target: `/api/jobs/${id}/pause` }), {
      _tag: "Act",
      action: "pause",
      job: id
    } as never)
    assert.deepStrictEqual(ask({ with: { host: "localhost:7682", origin: "http://localhost:7682" } }), { _tag: "Now" })
  })

  it("tells nothing without the secret, but for the files, which have none", () => {
    assert.strictEqual(status(ask({ with: { authorization: undefined } })), 401)
    assert.strictEqual(status(ask({ with: { authorization: "Bearer s3cre" } })), 401)
    assert.strictEqual(status(ask({ with: { authorization: "s3cret" } })), 401)
    assert.strictEqual(
      status(ask({ method: "POST", target: `/api/jobs/${id}/abort`, with: { authorization: "" } })),
      401
    )
    assert.deepStrictEqual(ask({ target: "/", with: { authorization: undefined } }), {
      _tag: "File",
      name: "activity.html"
    })
  })

  it("refuses names that were made to lead to this device", () => {
    for (const host of ["attacker.example:7682", "127.0.0.1.attacker.example:7682", "127.0.0.1", "127.0.0.1:80", ""]) {
      assert.strictEqual(status(ask({ target: "/", with: { host } })), 403, host)
    }
    assert.strictEqual(status(ask({ with: { host: undefined } })), 403)
  })

  it("knows itself by every place where it can be told to listen", () => {
    for (const host of ["127.0.0.5:7682", "[::1]:7682", "LOCALHOST:7682"]) {
      assert.strictEqual(status(ask({ with: { host, origin: `http://${host}` } })), "Now", host)
    }
    const onPort80 = Doorkeeper.decide(
      { method: "GET", target: "/", remoteAddress: "127.0.0.1", headers: { host: "127.0.0.1" } },
      { ...door, port: 80 }
    )
    assert.strictEqual(status(onPort80), "File")
  })

  it("refuses what other pages make a browser send", () => {
    assert.strictEqual(status(ask({ with: { origin: "http://127.0.0.1:9999" } })), 403)
    assert.strictEqual(status(ask({ with: { origin: "null" } })), 403)
    assert.strictEqual(status(ask({ target: "/", with: { "sec-fetch-site": "cross-site" } })), 403)
    assert.strictEqual(status(ask({ with: { "sec-fetch-site": "same-site" } })), 403)
    assert.strictEqual(status(ask({ target: "/", with: { "sec-fetch-site": "none" } })), "File")
  })

  it("refuses other machines whatever they know", () => {
    assert.strictEqual(status(ask({ remoteAddress: "192.0.2.7" })), 403)
    assert.strictEqual(status(ask({ remoteAddress: undefined })), 403)
    assert.strictEqual(status(ask({ remoteAddress: "::ffff:127.0.0.1" })), "Now")
  })

  it("changes jobs by POST alone, and only in ways that it knows", () => {
    const act = (method: string, target: string) => status(ask({ method, target }))
    assert.strictEqual(act("GET", `/api/jobs/${id}/abort`), 405)
    assert.strictEqual(act("POST", `/api/jobs/${id}/explode`), 404)
    assert.strictEqual(act("POST", `/api/jobs/${id}/pause/now`), 404)
    assert.strictEqual(act("POST", "/api/jobs/../../pause"), 404)
    assert.strictEqual(act("POST", "/api/now"), 405)
    assert.strictEqual(act("DELETE", "/"), 405)
    assert.strictEqual(act("GET", "/api/anything"), 404)
    assert.strictEqual(status(ask({ method: "POST", with: { "content-length": "7" } })), 413)
    assert.strictEqual(status(ask({ with: { "transfer-encoding": "chunked" } })), 413)
  })
})
