/** The ContentPolicy role, answered from the catalog: what is published may be shared by peers, as far as its policy says. */
import { Caller } from "@piecework/cloud/Caller"
import {
  CheckReply,
  ContentPolicyReply,
  ContentPolicyRpcs,
  type ContentPolicyRequest,
  maxUrls,
  Policies
} from "@piecework/cloud/ContentPolicyRpcs"
import { Gate } from "@piecework/cloud/Gate"
import type { Identity } from "@piecework/cloud/Identity"
import { PolicySigner } from "@piecework/cloud/PolicySigner"
import { phfPath } from "@piecework/cloud/Role"
import { ContentHalted, ContentUnknown, RequestRefused } from "@piecework/cloud/RoleError"
import { basesOf, RoleUrls } from "@piecework/cloud/RoleUrls"
import { hashOfHashes } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Clock, Effect, Option, Schema } from "effect"
import { verdictOf } from "./Admission.ts"
import { Catalog, type Published } from "./Catalog.ts"
import { CatalogConfig } from "./CatalogConfig.ts"
import { RuleHasher } from "./RuleHasher.ts"

export const layer = ContentPolicyRpcs.toLayer(
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const gate = yield* Gate
    const { checkEvery } = yield* CatalogConfig
    const urls = yield* RoleUrls
    const rules = yield* RuleHasher
    const signer = yield* Effect.serviceOption(PolicySigner)
    const find = ({ altCatalogId, contentId }: ContentPolicyRequest, identity: Identity) => {
      // The caller cannot help a catalog that fails, so it sees a service that does.
      if (contentId !== undefined) return Effect.orDie(catalog.byId(contentId))
      if (altCatalogId !== undefined) return Effect.orDie(rules.find(altCatalogId, identity))
      return Effect.fail(new RequestRefused({ reason: "NoContentNamed" }))
    }
    return ContentPolicyRpcs.of({
      ContentPolicy: (request) =>
        Effect.gen(function* () {
          const { identity } = yield* Caller
          const bases = yield* basesOf(urls, "Metadata")
          const content = request.contentId ?? request.altCatalogId ?? ""
          const found = Option.getOrUndefined(yield* find(request, identity))
          const verdict = found === undefined ? "Unknown" : verdictOf(found, identity, yield* Clock.currentTimeMillis)
          if (verdict === "Halted") return yield* new ContentHalted({ content })
          const reply = found === undefined || verdict === "Unknown" ? Option.none() : replyOf(found, bases)
          if (Option.isNone(reply)) return yield* new ContentUnknown({ content })
          if (Option.isNone(signer)) return reply.value
          const signatures = yield* signer.value.sign(encode(reply.value))
          return signatures.length === 0 ? reply.value : new ContentPolicyReply({ ...reply.value, signatures })
        }),
      Check: ({ contentIds }) =>
        Effect.map(Caller, ({ identity }) => {
          const halted = contentIds.filter((contentId) => gate.verdict(identity, contentId) === "Halted")
          return new CheckReply({ halted, again: checkEvery })
        })
    })
  })
)

const encode = Schema.encodeSync(ContentPolicyReply)

/** `None` for an id that no hash of hashes has, which is never published. */
const replyOf = (published: Published, bases: Bases): Option.Option<ContentPolicyReply> =>
  Option.map(hashOfHashes(published.contentId), (digest) => {
    const { policy } = published
    return new ContentPolicyReply({
      contentId: published.contentId,
      hashOfHashes: digest,
      phfUrls: phfUrlsOf(published, bases),
      phfDigest: published.phfDigest,
      // The latest are the likeliest to be there still.
      contentUrls: published.urls.slice(-maxUrls),
      contentSize: published.contentSize,
      peersAllowed: policy.peersAllowed ?? true,
      isSecure: policy.isSecure ?? false,
      isInternal: policy.isInternal ?? false,
      policies: policiesOf(published),
      rank: policy.rank ?? 0
    })
  })

const policiesOf = ({ policy }: Published): Policies =>
  new Policies({
    foregroundQosBps: policy.foregroundQosBps ?? defaults.foregroundQosBps,
    backgroundQosBps: policy.backgroundQosBps ?? defaults.backgroundQosBps,
    maxCacheAgeSeconds: policy.maxCacheAgeSeconds ?? defaults.maxCacheAgeSeconds,
    ...(policy.expireAtSeconds === undefined ? {} : { expireAtSeconds: policy.expireAtSeconds }),
    downloadToExpireSeconds: policy.downloadToExpireSeconds ?? defaults.downloadToExpireSeconds,
    ...saidIn(policy)
  })

const saidIn = (policy: Published["policy"]) => {
  const said = (Object.keys(defaults) as ReadonlyArray<keyof typeof defaults>).filter(
    (name) => policy[name] !== undefined
  )
  return said.length === 0 ? {} : { said }
}

type Bases = readonly [string, ...ReadonlyArray<string>]

const phfUrlsOf = ({ contentId }: Published, [first, ...others]: Bases) => {
  const under = (base: string) => ContentUrl.make(base + phfPath(contentId))
  return [under(first), ...others.slice(0, maxUrls - 1).map(under)] as const
}

/** What Microsoft's service said of a real content. Source: spec.md §4.3; the age is DOMaxCacheAge's default, §1. */
const defaults = {
  foregroundQosBps: 6_710_886,
  backgroundQosBps: 2_621_440,
  maxCacheAgeSeconds: 259_200,
  downloadToExpireSeconds: 86_400
}
