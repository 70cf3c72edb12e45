/** The ContentPolicy role, answered from the catalog: whatever is published may be shared by peers. */
import {
  ContentPolicyReply,
  ContentPolicyRpcs,
  type ContentPolicyRequest,
  maxUrls,
  Policies
} from "@piecework/cloud/ContentPolicyRpcs"
import { phfPath } from "@piecework/cloud/Role"
import { ContentUnknown, RequestRefused } from "@piecework/cloud/RoleError"
import { basesOf, RoleUrls } from "@piecework/cloud/RoleUrls"
import { hashOfHashes } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Effect, Option } from "effect"
import { Catalog, type Published } from "./Catalog.ts"

export const layer = ContentPolicyRpcs.toLayer(
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const urls = yield* RoleUrls
    const find = ({ altCatalogId, contentId }: ContentPolicyRequest) => {
      // The caller cannot help a catalog that fails, so it sees a service that does.
      if (contentId !== undefined) return Effect.orDie(catalog.byId(contentId))
      if (altCatalogId !== undefined) return Effect.orDie(catalog.byUrl(altCatalogId))
      return Effect.fail(new RequestRefused({ reason: "NoContentNamed" }))
    }
    return ContentPolicyRpcs.of({
      ContentPolicy: (request) =>
        Effect.gen(function* () {
          const bases = yield* basesOf(urls, "Metadata")
          const reply = Option.flatMap(yield* find(request), (published) => replyOf(published, bases))
          if (Option.isSome(reply)) return reply.value
          return yield* new ContentUnknown({ content: request.contentId ?? request.altCatalogId ?? "" })
        })
    })
  })
)

/** `None` for an id that no hash of hashes has, which is never published. */
const replyOf = (published: Published, bases: Bases): Option.Option<ContentPolicyReply> =>
  Option.map(
    hashOfHashes(published.contentId),
    (digest) =>
      new ContentPolicyReply({
        contentId: published.contentId,
        hashOfHashes: digest,
        phfUrls: phfUrlsOf(published, bases),
        phfDigest: published.phfDigest,
        // The latest are the likeliest to be there still.
        contentUrls: published.urls.slice(-maxUrls),
        contentSize: published.contentSize,
        peersAllowed: true,
        isSecure: false,
        isInternal: false,
        policies,
        rank: 0
      })
  )

type Bases = readonly [string, ...ReadonlyArray<string>]

const phfUrlsOf = ({ contentId }: Published, [first, ...others]: Bases) => {
  const under = (base: string) => ContentUrl.make(base + phfPath(contentId))
  return [under(first), ...others.slice(0, maxUrls - 1).map(under)] as const
}

/** What Microsoft's service said of a real content. Source: spec.md §4.3; the age is DOMaxCacheAge's default, §1. */
const policies = new Policies({
  foregroundQosBps: 6_710_886,
  backgroundQosBps: 2_621_440,
  maxCacheAgeSeconds: 259_200,
  downloadToExpireSeconds: 86_400
})
