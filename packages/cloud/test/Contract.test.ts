import { readFileSync } from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Exit, Schema } from "effect"
import { ArrayInstance, DiscoveryRequest } from "../src/DiscoveryRpcs.ts"
import { Handout, JoinRequest } from "../src/ArrayRpcs.ts"
import { ContentPolicyReply, ContentPolicyRequest } from "../src/ContentPolicyRpcs.ts"
import { EndpointUrl, Ip } from "../src/Fields.ts"
import { GeoReply } from "../src/GeoRpcs.ts"
import { KeyValueReply } from "../src/KeyValueRpcs.ts"
import { LeaseReply, LeaseRequest } from "../src/LeaseRpc.ts"
import { ReportReply, ReportRequest } from "../src/ReportRpcs.ts"
import * as Profile from "../src/Profile.ts"

const contentId = "DO-aGZA_I8Lc2F-ZsPzrXhTrcZaVte-PexJ5cOai52WjpQ"
const digest = "aGZA/I8Lc2F+ZsPzrXhTrcZaVte+PexJ5cOai52WjpQ="
const peerId = "0123456789abcdef0123456789abcdef00000000"

const join = {
  contentId,
  peerId,
  reportedIp: "192.168.1.7",
  port: 7680,
  isBackground: false,
  dialect: { major: 1, minor: 0, build: 0, revision: 0 },
  uploaded: 0,
  downloaded: 0,
  downloadedCdn: 0,
  downloadedCache: 0,
  left: 4_642_818,
  event: "Started",
  restrictedUpload: false,
  peersWanted: 50,
  scope: "Lan",
  restriction: "None",
  uploadedBps: 0,
  downloadedBps: 0,
  profile: 768,
  seq: 0
}
const peer = { id: peerId, address: { host: "192.168.1.8", port: 7680 }, kind: "Lan" }
const handout = { peers: [peer], nextJoin: 3000, candidates: 1 }
const lease = {
  contentId,
  peerId,
  reportedIp: "192.168.1.7",
  scope: "Lan",
  profile: 768,
  pieceCount: 5,
  pieceSize: 1_048_576,
  held: "wA==",
  keep: [{ first: 3, count: 1 }],
  most: 2,
  originRate: 400_000,
  seq: 7
}
const leases = { runs: [{ first: 3, count: 2 }], again: 2000 }
const completed = {
  _tag: "DownloadCompleted",
  eventId: "00112233445566778899aabbccddeeff",
  time: 1_767_225_600_000,
  jobID: "ffeeddccbbaa99887766554433221100",
  fileID: contentId,
  fileSize: 4_642_818,
  cdnUrl: "http://o/a",
  background: false,
  downloadMode: 1,
  downloadModeReason: "Requested",
  bytesFromCDN: 642_818,
  bytesFromCacheServer: 0,
  bytesFromPeers: 4_000_000,
  bytesFromLinkLocalPeers: 0,
  bytesFromGroupPeers: 0,
  bytesFromIntPeers: 0,
  bytesFromLocalCache: 0,
  bytesWasted: 0,
  lanConnectionCount: 2,
  linkLocalConnectionCount: 0,
  groupConnectionCount: 0,
  internetConnectionCount: 0,
  numPeers: 3,
  totalTimeMs: 4200
}
const report = {
  deviceId: "0123456789abcdef0123456789abcdef",
  sentAt: 1_767_225_605_000,
  clientVersion: "0.1.0",
  profile: 768,
  events: [completed]
}
const policy = {
  contentId,
  hashOfHashes: digest,
  phfUrls: ["http://service/phf/a"],
  contentUrls: ["http://origin/a.bin"],
  contentSize: 4_642_818,
  peersAllowed: true,
  isSecure: false,
  isInternal: false,
  policies: {
    foregroundQosBps: 6_710_886,
    backgroundQosBps: 2_621_440,
    maxCacheAgeSeconds: 86_400,
    downloadToExpireSeconds: 86_400
  },
  rank: 0
}
const keyValue = {
  contentPolicyUrl: "http://service/rpc/cp",
  discoveryUrl: "https://service/rpc/disc",
  expiresInSeconds: 3600,
  settings: { DODownloadMode: 1, DOGroupId: "x", ours: true }
}

const accepts = (schema: Schema.Codec<unknown, unknown>, json: unknown): boolean =>
  Exit.isSuccess(Schema.decodeUnknownExit(Schema.toCodecJson(schema))(json))

describe("what goes over the wire", () => {
  it("is this JSON for a join of a client that leaves out what it can", () => {
    const made = new JoinRequest({
      ...Schema.decodeUnknownSync(Schema.toCodecJson(JoinRequest))(join),
      left: 4_642_818
    })
    assert.deepStrictEqual(Schema.encodeSync(Schema.toCodecJson(JoinRequest))(made), join)
  })

  it("is this JSON for a handout", () => {
    const made = Schema.decodeUnknownSync(Schema.toCodecJson(Handout))(handout)
    assert.strictEqual(Duration.toSeconds(made.nextJoin), 3)
    assert.deepStrictEqual(Schema.encodeSync(Schema.toCodecJson(Handout))(made), handout)
  })

  it("is what docs/protocol.md shows", () => {
    const page = readFileSync(path.join(import.meta.dirname, "../../../docs/protocol.md"), "utf8")
    const shown = [...page.matchAll(/```json\n(\{"(?:contentId|peers|runs|deviceId)".*?)```/gs)].map(([, json = ""]) =>
      JSON.parse(json)
    )
    assert.deepStrictEqual(shown, [join, handout, lease, leases, report])
  })

  it("is this JSON for leases", () => {
    const asked = Schema.decodeUnknownSync(Schema.toCodecJson(LeaseRequest))(lease)
    assert.deepStrictEqual(asked.held, Uint8Array.of(0xc0))
    assert.deepStrictEqual(Schema.encodeSync(Schema.toCodecJson(LeaseRequest))(asked), lease)
    const given = Schema.decodeUnknownSync(Schema.toCodecJson(LeaseReply))(leases)
    assert.deepStrictEqual(Schema.encodeSync(Schema.toCodecJson(LeaseReply))(given), leases)
  })

  it("is this JSON for a report", () => {
    const made = Schema.decodeUnknownSync(Schema.toCodecJson(ReportRequest))(report)
    assert.deepStrictEqual(Schema.encodeSync(Schema.toCodecJson(ReportRequest))(made), report)
  })

  it("has nothing of an event but its id when the event is not understood, and the others are whole", () => {
    const events = [
      { ...completed, bytesFromCDN: -1 },
      { _tag: "FromTheFuture", eventId: completed.eventId },
      completed
    ]
    const made = Schema.decodeUnknownSync(Schema.toCodecJson(ReportRequest))({ ...report, events })
    const understood: ReadonlyArray<unknown> = made.events
    assert.deepStrictEqual(understood, [{ eventId: completed.eventId }, { eventId: completed.eventId }, completed])
  })

  it("is this JSON for a content's policy", () => {
    const made = Schema.decodeUnknownSync(Schema.toCodecJson(ContentPolicyReply))(policy)
    assert.deepStrictEqual(Schema.encodeSync(Schema.toCodecJson(ContentPolicyReply))(made), policy)
  })
})

const taken: ReadonlyArray<readonly [string, Schema.Codec<unknown, unknown>, unknown]> = [
  [
    "a join with every field",
    JoinRequest,
    { ...join, groupId: "g", subnetMask: "255.255.255.0", ipv6: "fe80::1", eId: "e" }
  ],
  ["a handout with fields of a later version", Handout, { ...handout, leases: [1] }],
  ["settings of three types", KeyValueReply, keyValue],
  ["a policy asked for by URL", ContentPolicyRequest, { altCatalogId: "http://o/a", profile: 768, clientVersion: "1" }]
]

const refused: ReadonlyArray<readonly [string, Schema.Codec<unknown, unknown>, unknown]> = [
  ["a peer id of 39 digits", JoinRequest, { ...join, peerId: peerId.slice(1) }],
  ["a content id that is a path", JoinRequest, { ...join, contentId: "../../etc/passwd" }],
  ["a host name for an address", JoinRequest, { ...join, reportedIp: "router.local" }],
  ["port 0", JoinRequest, { ...join, port: 0 }],
  ["port 65536", JoinRequest, { ...join, port: 65_536 }],
  ["256 peers wanted", JoinRequest, { ...join, peersWanted: 256 }],
  ["bytes below zero", JoinRequest, { ...join, left: -1 }],
  ["more bytes than a number can count", JoinRequest, { ...join, uploaded: 2 ** 60 }],
  ["half a byte", JoinRequest, { ...join, downloaded: 0.5 }],
  ["a mode without peers", JoinRequest, { ...join, scope: "Simple" }],
  ["an empty group", JoinRequest, { ...join, groupId: "" }],
  ["a group of 129 characters", JoinRequest, { ...join, groupId: "g".repeat(129) }],
  ["a profile of 17 bits", JoinRequest, { ...join, profile: 0x10000 }],
  ["a handout of 256 peers", Handout, { ...handout, peers: Array.from({ length: 256 }, () => peer) }],
  ["a peer at a name", Handout, { ...handout, peers: [{ ...peer, address: { host: "evil.test", port: 1 } }] }],
  ["a pause that is no number", Handout, { ...handout, nextJoin: "soon" }],
  ["leases of a content without pieces", LeaseRequest, { ...lease, pieceCount: 0 }],
  ["leases of more pieces than a bitfield may have", LeaseRequest, { ...lease, pieceCount: 262_145 }],
  [
    "a bitfield of 32,769 bytes",
    LeaseRequest,
    { ...lease, held: Buffer.from(new Uint8Array(32_769)).toString("base64") }
  ],
  ["a bitfield that is not base64", LeaseRequest, { ...lease, held: "w*==" }],
  ["257 leases wanted", LeaseRequest, { ...lease, most: 257 }],
  [
    "257 runs",
    LeaseRequest,
    { ...lease, keep: Array.from({ length: 257 }, (_, first) => ({ first: 2 * first, count: 1 })) }
  ],
  ["a run of nothing", LeaseReply, { ...leases, runs: [{ first: 0, count: 0 }] }],
  ["a run before the first piece", LeaseReply, { ...leases, runs: [{ first: -1, count: 2 }] }],
  ["a report without events", ReportRequest, { ...report, events: [] }],
  ["a report of 65 events", ReportRequest, { ...report, events: Array.from({ length: 65 }, () => completed) }],
  ["an event without an id", ReportRequest, { ...report, events: [{ ...completed, eventId: "1" }] }],
  ["a report of a device with 31 digits", ReportRequest, { ...report, deviceId: "0".repeat(31) }],
  ["a report sent at no time", ReportRequest, { ...report, sentAt: 9e15 }],
  [
    "an answer about 65 events",
    ReportReply,
    { taken: Array.from({ length: 65 }, () => completed.eventId), refused: [] }
  ],
  ["a digest of 31 bytes", ContentPolicyReply, { ...policy, hashOfHashes: `${"A".repeat(42)}==` }],
  ["no PHF", ContentPolicyReply, { ...policy, phfUrls: [] }],
  ["a PHF in a file", ContentPolicyReply, { ...policy, phfUrls: ["file:///etc/passwd"] }],
  ["33 origins", ContentPolicyReply, { ...policy, contentUrls: Array.from({ length: 33 }, () => "http://o/a") }],
  [
    "an address of four numbers too large",
    GeoReply,
    { externalIp: "300.1.1.1", keyValueUrl: "http://a/", version: "" }
  ],
  [
    "a country of three letters",
    GeoReply,
    { externalIp: "1.1.1.1", countryCode: "DEU", keyValueUrl: "http://a/", version: "" }
  ],
  [
    "257 settings",
    KeyValueReply,
    { ...keyValue, settings: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`s${n}`, n])) }
  ],
  ["a setting that is an object", KeyValueReply, { ...keyValue, settings: { a: {} } }],
  ["a setting of 5,000 characters", KeyValueReply, { ...keyValue, settings: { a: "x".repeat(5000) } }],
  ["an Array over another protocol", ArrayInstance, { url: "ftp://host/" }],
  ["a partition below zero", DiscoveryRequest, { contentId, partitionId: -1, profile: 768, clientVersion: "1" }]
]

describe("a message", () => {
  for (const [what, schema, json] of taken) it(`may hold ${what}`, () => assert.isTrue(accepts(schema, json)))
  for (const [what, schema, json] of refused) it(`may not hold ${what}`, () => assert.isFalse(accepts(schema, json)))
})

describe("an endpoint", () => {
  const is = Schema.is(EndpointUrl)
  for (const url of ["http://a/", "https://a.b:1/c?d", "http://[::1]:7670/rpc/kv"]) {
    it(`can be ${url}`, () => assert.isTrue(is(url)))
  }
  for (const url of ["", "a", "//a", "http://", "http://u@a/", "http://a/#f", "http://a/ b", "data:text/plain,a"]) {
    it(`cannot be "${url}"`, () => assert.isFalse(is(url)))
  }
})

describe("an address", () => {
  const is = Schema.is(Ip)
  for (const ip of ["1.2.3.4", "::1", "fe80::1", "2001:db8::7"]) it(`can be ${ip}`, () => assert.isTrue(is(ip)))
  for (const ip of ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", "[::1]", "fe80::1%eth0", "host"]) {
    it(`cannot be "${ip}"`, () => assert.isFalse(is(ip)))
  }
})

describe("a profile", () => {
  it("tells servers from PCs, whatever its other bits", () => {
    assert.strictEqual(Profile.classOf(Profile.pc | 3), Profile.classOf(Profile.pc))
    assert.notStrictEqual(Profile.classOf(Profile.server), Profile.classOf(Profile.pc))
  })
})
