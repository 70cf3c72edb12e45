import { createPrivateKey, generateKeyPairSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Content, ContentUrl, Digest } from "@piecework/domain"
import { Option, Result, Schema } from "effect"
import { ContentPolicyReply, Policies } from "../src/ContentPolicyRpcs.ts"
import { isSigned, keyOf, messageOf, mostSignatures, parseKey, signed } from "../src/PolicySignature.ts"

const digest = Digest.Digest.make(new Uint8Array(32).fill(7))
const url = (text: string) => Result.getOrThrow(ContentUrl.parse(text))
const reply = new ContentPolicyReply({
  contentId: Content.idOf(digest),
  hashOfHashes: digest,
  phfUrls: [url("http://service.test/phf/a")],
  contentUrls: [url("http://origin.test/ü")],
  contentSize: 5,
  peersAllowed: true,
  isSecure: false,
  isInternal: false,
  policies: new Policies({
    foregroundQosBps: 1,
    backgroundQosBps: 2,
    maxCacheAgeSeconds: 3,
    downloadToExpireSeconds: 4
  }),
  rank: 0
})
const encoded = Schema.encodeSync(ContentPolicyReply)(reply)

/** The key of RFC 8032 §7.1, test 1. */
const secret = createPrivateKey({
  key: Buffer.from(
    "302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "hex"
  ),
  format: "der",
  type: "pkcs8"
})
const ours = Option.getOrThrow(parseKey("pwk_11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
const other = keyOf(generateKeyPairSync("ed25519").publicKey)
const at = 1_800_000_000

describe("What is signed of an answer", () => {
  it("is its JSON without spaces, names in order, behind the key and the time", () => {
    assert.strictEqual(
      Buffer.from(messageOf(encoded, ours.id, at)).toString(),
      [
        "piecework content policy 1",
        "21fe31dfa154a261",
        "1800000000",
        `{"contentId":"${reply.contentId}","contentSize":5,"contentUrls":["http://origin.test/%C3%BC"],"hashOfHashes":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","isInternal":false,"isSecure":false,"peersAllowed":true,"phfUrls":["http://service.test/phf/a"],"policies":{"backgroundQosBps":2,"downloadToExpireSeconds":4,"foregroundQosBps":1,"maxCacheAgeSeconds":3},"rank":0}`
      ].join("\n")
    )
  })

  it("is the same whatever signatures are with it", () => {
    const with2 = { ...encoded, signatures: [signed(encoded, secret, ours.id, at)] }
    assert.deepStrictEqual(messageOf(with2, ours.id, at), messageOf(encoded, ours.id, at))
  })
})

describe("A signature", () => {
  const signature = signed(encoded, secret, ours.id, at)
  const holds = (changes: object = {}, now = at, keys = [other, ours], signatures = [signature]) =>
    isSigned({ ...encoded, ...changes } as typeof encoded, signatures, keys, now)

  it("holds for the answer it was made for, by a key that is known", () => {
    assert.isTrue(holds())
    assert.isTrue(holds({}, at, [ours]))
    assert.isFalse(holds({}, at, [other]))
    assert.isFalse(holds({}, at, []))
    assert.isFalse(holds({}, at, [ours], []))
  })

  it.each([
    ["another content", { contentId: Content.idOf(Digest.Digest.make(new Uint8Array(32).fill(8))) }],
    ["another hash of hashes", { hashOfHashes: "AA==" }],
    ["another place of the hashes", { phfUrls: ["http://evil.test/phf"] }],
    ["another origin", { contentUrls: [] }],
    ["a digest that was not there", { phfDigest: "AA==" }],
    ["another length", { contentSize: 6 }],
    ["peers that were forbidden", { peersAllowed: false }],
    ["another policy", { policies: { ...encoded.policies, maxCacheAgeSeconds: 9 } }]
  ])("does not hold for %s", (_, changes) => assert.isFalse(holds(changes)))

  it("holds for a week, and for a clock that is a day behind", () => {
    assert.isTrue(holds({}, at + 7 * 86_400))
    assert.isFalse(holds({}, at + 7 * 86_400 + 1))
    assert.isTrue(holds({}, at - 86_400))
    assert.isFalse(holds({}, at - 86_401))
  })

  it("is of its key and its time, and of no other", () => {
    assert.isFalse(holds({}, at, [ours], [{ ...signature, at: at + 1 }]))
    assert.isFalse(holds({}, at, [ours, other], [{ ...signature, key: other.id }]))
    assert.isTrue(holds({}, at, [ours], [{ ...signature, key: other.id }, signature]))
  })
})

describe("A key of a service", () => {
  it("is text that leads back to itself, and nothing else", () => {
    assert.deepStrictEqual(
      Option.map(parseKey(other.text), ({ id }) => id),
      Option.some(other.id)
    )
    for (const text of ["", "pwk_", other.text.slice(1), other.text.slice(0, -1), `${other.text}A`, `${other.text}=`]) {
      assert.isTrue(Option.isNone(parseKey(text)), text)
    }
  })
})

describe("An answer", () => {
  it("may have four signatures, and comes back as it went", () => {
    const signature = signed(encoded, secret, ours.id, at)
    const decode = Schema.decodeUnknownOption(ContentPolicyReply)
    const sent = { ...encoded, signatures: Array.from({ length: mostSignatures }, () => signature) }
    const read = Option.getOrThrow(decode(sent))
    assert.deepStrictEqual(Schema.encodeSync(ContentPolicyReply)(read), sent)
    assert.isTrue(Option.isNone(decode({ ...sent, signatures: [...sent.signatures, signature] })))
    assert.isTrue(Option.isNone(decode({ ...encoded, signatures: [{ ...signature, value: "AA==" }] })))
  })
})
