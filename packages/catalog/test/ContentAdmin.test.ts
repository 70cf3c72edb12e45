import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, layer } from "@effect/vitest"
import { Caller, CallerMiddleware } from "@piecework/cloud/Caller"
import {
  ContentAdminRpcs,
  path,
  type PhfRefused,
  type RuleRefused,
  type RuleUnknown,
  type SettingRefused
} from "@piecework/cloud/ContentAdminRpcs"
import { anonymous, type Identity, type OperatorScope } from "@piecework/cloud/Identity"
import { noChange, PolicyChange, PolicySettings } from "@piecework/cloud/PolicySettings"
import { type ContentUnknown, RequestRefused } from "@piecework/cloud/RoleError"
import { Database } from "@piecework/database"
import { ContentUrl, Digest } from "@piecework/domain"
import { Phf } from "@piecework/hashing"
import { Audit } from "@piecework/trust"
import { Context, Effect, Layer, Result } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { RpcClient, type RpcClientError, type RpcGroup, RpcSerialization, RpcServer, RpcTest } from "effect/rpc"
import { Administration } from "../src/Administration.ts"
import { Catalog } from "../src/Catalog.ts"
import { ClientSettings } from "../src/ClientSettings.ts"
import * as ContentAdminHandlers from "../src/ContentAdminHandlers.ts"
import { UrlPublisher } from "../src/UrlPublisher.ts"
import { Rules } from "../src/Rules.ts"

const contentOf = (byte: number) =>
  Phf.make({ contentSize: 1_500_000, digests: new Uint8Array(2 * Digest.length).fill(byte) })
const url = (name: string) => Result.getOrThrow(ContentUrl.parse(`http://origin.test/${name}`))
const publication = (byte: number, ...names: ReadonlyArray<string>) => ({
  phf: Phf.encode(contentOf(byte)),
  urls: names.map(url),
  policy: noChange
})

const operator = (...scopes: ReadonlyArray<OperatorScope>): Identity => ({ _tag: "Operator", id: "ann", scopes })

/** A header in place of a token: who it is, in JSON. */
const whoHeader = "x-test-identity"
const middleware = Layer.succeed(CallerMiddleware, (effect, { headers }) =>
  Effect.provideService(effect, Caller, {
    externalIp: "127.0.0.1",
    baseUrl: "http://service.test",
    identity: headers[whoHeader] === undefined ? anonymous : (JSON.parse(headers[whoHeader]) as Identity)
  })
)
const as = (identity: Identity) => RpcClient.withHeaders({ [whoHeader]: JSON.stringify(identity) })

type Refusal =
  | SettingRefused
  | RuleRefused
  | RuleUnknown
  | ContentUnknown
  | PhfRefused
  | RequestRefused
  | RpcClientError.RpcClientError

/** Why it was refused to the caller. */
const refusal = (who: Identity, asked: Effect.Effect<void, Refusal>) =>
  Effect.map(Effect.flip(as(who)(asked)), (error) => (error instanceof RequestRefused ? error.reason : error._tag))

class Client extends Context.Service<
  Client,
  RpcClient.RpcClient<RpcGroup.Rpcs<typeof ContentAdminRpcs>, RpcClientError.RpcClientError>
>()("@piecework/catalog/test/Client") {}

const rooms = Layer.mergeAll(Catalog.layer, Audit.Audit.layer).pipe(Layer.provideMerge(Database.Database.layerMemory))
const handlers = Layer.merge(ContentAdminHandlers.layer, middleware).pipe(
  Layer.provideMerge(Layer.mergeAll(Administration.layer, Rules.layer, ClientSettings.layer, UrlPublisher.layerNone)),
  Layer.provideMerge(rooms)
)

const inMemory = Layer.effect(Client, RpcTest.makeClient(ContentAdminRpcs, { disableFatalDefects: true })).pipe(
  Layer.provideMerge(handlers)
)

const overHttp = Layer.effect(
  Client,
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    if (!NetAddress.isInetAddress(address)) return yield* Effect.die("an address without a port")
    const at = `http://127.0.0.1:${address.port}${path}`
    const protocol = yield* Layer.build(RpcClient.layerProtocolHttp({ url: at }))
    return yield* Effect.provideContext(RpcClient.make(ContentAdminRpcs), protocol)
  })
).pipe(
  Layer.provide(
    HttpRouter.serve(
      RpcServer.layerHttp({ group: ContentAdminRpcs, path, protocol: "http", disableFatalDefects: true }),
      { disableLogger: true, disableListenLog: true }
    )
  ),
  Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })),
  Layer.provide([RpcSerialization.layerJson, FetchHttpClient.layer]),
  Layer.provideMerge(handlers)
)

for (const [name, live] of Object.entries({ "in memory": inMemory, "over HTTP": overHttp })) {
  layer(live, { excludeTestServices: true })(`The administration of contents ${name}`, (spec) => {
    spec.effect("publishes a pieces hash file made elsewhere, and shows and lists it", () =>
      Effect.gen(function* () {
        const client = yield* Client
        const first = yield* as(operator("Publish"))(client.Publish(publication(1, "a", "b")))
        assert.deepStrictEqual([first.isNew, first.added, first.moved], [true, [url("a"), url("b")], []])
        assert.strictEqual(first.content.contentId, contentOf(1).contentId)
        const moved = yield* as(operator("Admin"))(client.Publish(publication(2, "a")))
        assert.deepStrictEqual(moved.moved, [{ url: url("a"), from: contentOf(1).contentId }])
        const shown = yield* as(operator("Read"))(client.Show({ name: url("b") }))
        assert.deepStrictEqual(
          [shown.contentId, shown.urls, shown.haltedAt],
          [contentOf(1).contentId, [url("b")], null]
        )
        const page = yield* as(operator("Read"))(client.List({ after: 0, most: 1 }))
        assert.deepStrictEqual([page.contents.length, page.contents[0]?.contentId], [1, contentOf(1).contentId])
        const rest = yield* as(operator("Read"))(client.List({ after: page.next ?? 0, most: 10 }))
        assert.deepStrictEqual(
          [rest.contents.map(({ contentId }) => contentId), rest.next],
          [[contentOf(2).contentId], undefined]
        )
      })
    )

    spec.effect("shows the query of a URL only to who may publish, and others that there is one", () =>
      Effect.gen(function* () {
        const client = yield* Client
        const { contentId } = contentOf(6)
        const [reader, publisher] = [as(operator("Read")), as(operator("Read", "Publish"))]
        const names = ["q/plain", "q/signed?sig=s3cret", "q/signed?sig=0ther"]
        yield* publisher(client.Publish(publication(6, ...names)))
        const bare = ["q/plain", "q/signed", "q/signed"].map(url)
        const looks = [
          client.Show({ name: contentId }),
          client.Show({ name: url("q/signed?sig=s3cret") }),
          Effect.map(client.Lookup({ contentIds: [contentId] }), ([one]) => one),
          Effect.map(client.List({ after: 0, most: 200 }), ({ contents }) =>
            contents.find((one) => one.contentId === contentId)
          )
        ]
        for (const look of looks) {
          const read = yield* reader(look)
          assert.deepStrictEqual([read?.urls, read?.queryHidden], [bare, [1, 2]])
          const whole = yield* publisher(look)
          assert.deepStrictEqual([whole?.urls, whole?.queryHidden], [names.map(url), undefined])
        }
        yield* publisher(client.Unpublish({ name: url("q/signed?sig=s3cret") }))
        const details = Effect.map(client.ReadAudit({ most: 2 }), (entries) => JSON.stringify(entries))
        const read = yield* reader(details)
        assert.notMatch(read, /s3cret|0ther/)
        assert.include(read, `${url("q/signed")}?…`)
        assert.include(yield* publisher(details), "sig=s3cret")
        yield* publisher(client.Unpublish({ name: contentId }))
      })
    )

    spec.effect("says settings to all devices, each held against the table, and notes who did it", () =>
      Effect.gen(function* () {
        const client = yield* Client
        const admin = as(operator("Admin"))
        const set = (setting: string, value: string) => admin(client.SetSetting({ name: setting, value }))
        yield* set("domaxcacheage", "60")
        yield* set("DOMaxCacheAge", " 90 ")
        yield* set("DOAllowVPNPeerCaching", "1")
        yield* set("DOVpnKeywords", "tun, wg")
        const all = yield* as(operator("Read"))(client.ListSettings())
        assert.deepStrictEqual(
          all.map((one) => [one.name, one.value]),
          [
            ["DOAllowVPNPeerCaching", true],
            ["DOMaxCacheAge", 90],
            ["DOVpnKeywords", "tun, wg"]
          ]
        )
        for (const [setting, value, why] of [
          ["DOMaxCacheAgo", "1", "DOMaxCacheAgo is no setting. Did you mean DOMaxCacheAge?"],
          ["DOMaxCacheSize", "101", "DOMaxCacheSize takes 1 to 100 %, and not 101."],
          ["DOMaxCacheSize", "much", "DOMaxCacheSize takes 1 to 100 %, and not much."],
          ["DOModifyCacheDrive", "/", "DOModifyCacheDrive is for each device to say, and for no service."]
        ] as const) {
          const refused = yield* Effect.flip(set(setting, value))
          assert.deepStrictEqual([refused._tag, refused.message], ["SettingRefused", why])
        }
        assert.isTrue((yield* admin(client.UnsetSetting({ name: "DOVPNKEYWORDS" }))).wasSet)
        assert.isFalse((yield* admin(client.UnsetSetting({ name: "DOVpnKeywords" }))).wasSet)
        const [last] = yield* as(operator("Read"))(client.ReadAudit({ most: 1 }))
        assert.deepStrictEqual(
          [last?.action, last?.subject, last?.who],
          ["setting.unset", "DOVpnKeywords", "operator ann"]
        )
        for (const who of [operator("Publish", "Read", "Enrol"), anonymous]) {
          const asked = Effect.asVoid(client.SetSetting({ name: "DOMaxCacheAge", value: "1" }))
          assert.strictEqual(yield* refusal(who, asked), "NotAllowed")
          assert.strictEqual(
            yield* refusal(who, Effect.asVoid(client.UnsetSetting({ name: "DOMaxCacheAge" }))),
            "NotAllowed"
          )
        }
      })
    )

    spec.effect("takes nothing that is no pieces hash file, and says why", () =>
      Effect.gen(function* () {
        const client = yield* Client
        const phf = Buffer.from(JSON.stringify({ MajorVersion: 2 }))
        const sent = { phf: new Uint8Array(phf), urls: [url("x")], policy: noChange }
        const error = yield* Effect.flip(as(operator("Publish"))(client.Publish(sent)))
        assert.strictEqual(error._tag, "PhfRefused")
        assert.include(error.message, "WrongVersion")
        assert.strictEqual(
          (yield* Effect.flip(as(operator("Read"))(client.Show({ name: url("x") }))))._tag,
          "ContentUnknown"
        )
      })
    )

    spec.effect("sets a policy, halts, resumes and unpublishes, and notes who did each of it", () =>
      Effect.gen(function* () {
        const client = yield* Client
        const { contentId } = contentOf(3)
        const mine = as(operator("Publish"))
        yield* mine(client.Publish(publication(3, "c")))
        const change = new PolicyChange({ set: new PolicySettings({ groups: ["lab"], rank: 2 }), reset: [] })
        assert.deepStrictEqual((yield* mine(client.SetPolicy({ name: url("c"), change }))).policy.groups, ["lab"])
        assert.isNumber((yield* mine(client.SetHalted({ name: contentId, isHalted: true, why: "bad" }))).haltedAt)
        // The second time nothing changes, so nothing is noted.
        yield* mine(client.SetHalted({ name: contentId, isHalted: true }))
        assert.isNull((yield* mine(client.SetHalted({ name: url("c"), isHalted: false }))).haltedAt)
        assert.strictEqual((yield* mine(client.Unpublish({ name: contentId }))).contentId, contentId)
        assert.strictEqual((yield* Effect.flip(mine(client.Unpublish({ name: contentId }))))._tag, "ContentUnknown")
        const entries = yield* as(operator("Read"))(client.ReadAudit({ most: 5 }))
        assert.deepStrictEqual(
          entries.map(({ action, subject, who }) => [action, subject, who]),
          ["unpublish", "resume", "halt", "policy", "publish"].map((deed) => [
            `content.${deed}`,
            contentId,
            "operator ann"
          ])
        )
        assert.deepStrictEqual(entries[2]?.detail, { why: "bad" })
        const earlier = yield* as(operator("Read"))(client.ReadAudit({ most: 1, before: entries.at(-1)?.place ?? 0 }))
        assert.notInclude(
          entries.map(({ place }) => place),
          earlier[0]?.place
        )
      })
    )

    spec.effect("adds, lists and removes rules, and takes no pattern that is none", () =>
      Effect.gen(function* () {
        const client = yield* Client
        const mine = as(operator("Publish", "Read"))
        const policy = new PolicySettings({ groups: ["lab"] })
        const rule = { pattern: "HTTPS://Repo.Example/debian/**", countsQuery: false, maxBytes: 1_000_000, policy }
        const added = yield* mine(client.AddRule(rule))
        assert.strictEqual(added.pattern, "https://repo.example/debian/**")
        yield* mine(client.AddRule({ ...rule, maxBytes: 2_000_000 }))
        const [only, ...others] = yield* mine(client.ListRules())
        assert.deepStrictEqual([only?.maxBytes, only?.policy.groups, others.length], [2_000_000, ["lab"], 0])
        const wild = yield* Effect.flip(mine(client.AddRule({ ...rule, pattern: "https://*/x" })))
        assert.strictEqual(wild._tag, "RuleRefused")
        yield* mine(client.RemoveRule({ pattern: rule.pattern }))
        const again = yield* Effect.flip(mine(client.RemoveRule({ pattern: rule.pattern })))
        assert.strictEqual(again._tag, "RuleUnknown")
        const deeds = (yield* mine(client.ReadAudit({ most: 3 }))).map(({ action }) => action)
        assert.deepStrictEqual(deeds, ["rule.remove", "rule.add", "rule.add"])
      })
    )

    spec.effect("does nothing for callers who may not, and notes nothing", () =>
      Effect.gen(function* () {
        const client = yield* Client
        const { contentId } = contentOf(4)
        yield* as(operator("Publish"))(client.Publish(publication(4, "d")))
        const before = yield* as(operator("Read"))(client.ReadAudit({ most: 1 }))
        const device: Identity = { _tag: "Device", id: "d", groups: ["lab"] }
        for (const who of [anonymous, device, operator("Read"), operator("Enrol"), operator()]) {
          const changes: ReadonlyArray<Effect.Effect<void, Refusal>> = [
            Effect.asVoid(client.Publish(publication(5, "e"))),
            Effect.asVoid(client.SetPolicy({ name: contentId, change: noChange })),
            Effect.asVoid(client.SetHalted({ name: contentId, isHalted: true })),
            Effect.asVoid(client.Unpublish({ name: contentId })),
            Effect.asVoid(
              client.AddRule({
                pattern: "http://o.test/*",
                countsQuery: true,
                maxBytes: 1,
                policy: new PolicySettings({})
              })
            ),
            client.RemoveRule({ pattern: "http://o.test/*" })
          ]
          for (const change of changes) {
            assert.strictEqual(yield* refusal(who, change), "NotAllowed")
          }
        }
        for (const who of [anonymous, device, operator("Publish"), operator("Enrol")]) {
          const looks: ReadonlyArray<Effect.Effect<void, Refusal>> = [
            Effect.asVoid(client.List({ after: 0, most: 1 })),
            Effect.asVoid(client.Show({ name: contentId })),
            Effect.asVoid(client.ReadAudit({ most: 1 })),
            Effect.asVoid(client.ListRules())
          ]
          for (const look of looks) {
            assert.strictEqual(yield* refusal(who, look), "NotAllowed")
          }
        }
        assert.deepStrictEqual(yield* as(operator("Read"))(client.ReadAudit({ most: 1 })), before)
        const shown = yield* as(operator("Read"))(client.Show({ name: contentId }))
        assert.isNull(shown.haltedAt)
      })
    )
  })
}
