/** What the commands about contents have in common. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Administration } from "@piecework/catalog/Administration"
import { ClientSettings } from "@piecework/catalog/ClientSettings"
import * as ContentAdminHandlers from "@piecework/catalog/ContentAdminHandlers"
import { Rules } from "@piecework/catalog/Rules"
import { UrlPublisher } from "@piecework/catalog/UrlPublisher"
import * as ContentAdminRpcs from "@piecework/cloud/ContentAdminRpcs"
import { Name, PolicyChange, PolicySettings } from "@piecework/cloud/PolicySettings"
import { ContentUnknown } from "@piecework/cloud/RoleError"
import { fileName } from "@piecework/database/Database"
import { type ContentId, parse } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Failure } from "@piecework/terminal/Failure"
import { Audit } from "@piecework/trust/Audit"
import { Effect, Layer, Option, Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import type { RpcClient, RpcClientError, RpcGroup } from "effect/rpc"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"
import * as Amount from "../view/Amount.ts"
import { catalogOn, contentUrl, type Data, databaseIn } from "./options.ts"
import * as remote from "./remote.ts"
import { printable } from "../view/Printable.ts"

export type Client = RpcClient.RpcClient<
  RpcGroup.Rpcs<typeof ContentAdminRpcs.ContentAdminRpcs>,
  RpcClientError.RpcClientError
>

export type Where = remote.Where & { readonly data: Data }

/** Carries it out at the service, or in the data folder, which is made when there is none. */
export const administer = <A, E>(where: Where, use: (client: Client) => Effect.Effect<A, E>) => {
  const database = databaseIn(where.data)
  const rooms = Layer.mergeAll(explained(Audit.layer, ofDatabase), catalogOn).pipe(Layer.provideMerge(database))
  const handlers = ContentAdminHandlers.layer.pipe(
    Layer.provide([Administration.layer, Rules.layer, ClientSettings.layer, UrlPublisher.layerNone]),
    Layer.provide(rooms)
  )
  return remote
    .at(
      ContentAdminRpcs.ContentAdminRpcs,
      ContentAdminRpcs.path,
      handlers,
      // A pieces hash file may be 16 MiB, and a line slow.
      "2 minutes"
    )(where)(use)
    .pipe(
      Effect.mapError((error) =>
        Schema.is(ContentUnknown)(error)
          ? new Failure({ sentence: `Nothing is published as ${error.content}.`, code: exitCodes.notFound })
          : error
      )
    )
}

/** The same for commands that only look, or change what is there: no folder is made. */
export const administerThere = <A, E>(where: Where, use: (client: Client) => Effect.Effect<A, E>) => {
  const { data, service } = where
  const isThere = Option.isSome(service) || Option.isSome(data.database) || existsSync(join(data.directory, fileName))
  if (isThere) return administer(where, use)
  return Effect.fail(
    new Failure({
      sentence: `Nothing is published yet in ${data.directory}; see piecework-service publish --help.`,
      code: exitCodes.notFound
    })
  )
}

export const name = Argument.String("NAME").pipe(Argument.withDescription("a content id, or one of its URLs"))

/** What is called so: by an id, or by a URL. */
export const named = (text: string): Effect.Effect<ContentId | ContentUrl, Failure> =>
  Option.match(parse(text), { onNone: () => contentUrl(text), onSome: Effect.succeed })

const amount = (flag: string, unit: string, description: string) =>
  Flag.Int(flag).pipe(
    Flag.withMetavar(unit),
    Flag.withDescription(description),
    Flag.filter(
      (n) => n >= 0,
      (n) => `--${flag} is not negative, but ${n} is`
    ),
    Flag.optional
  )

const yesOrNo = (flag: string, description: string) =>
  Flag.Literals(flag, ["yes", "no"]).pipe(Flag.withDescription(description), Flag.optional)

/** Flags for what may be done with a content. */
export const policyFlags = {
  group: Flag.String("group").pipe(
    Flag.withMetavar("GROUP"),
    Flag.withDescription("only devices of these groups may have it; may be given several times"),
    Flag.filter(
      (text) => text.length >= 1 && text.length <= 128,
      () => "A group has 1 to 128 characters"
    ),
    Flag.between(0, 64)
  ),
  peers: yesOrNo("peers", "whether devices may take it from each other; default yes"),
  expires: Flag.String("expires").pipe(
    Flag.withMetavar("TIME"),
    Flag.withDescription('when it becomes unknown, as "2027-01-31" or "2027-01-31T18:00:00Z"'),
    Flag.filterMap(secondsOf, (text) => `"${text}" is no time; write it like 2027-01-31T18:00:00Z`),
    Flag.optional
  ),
  maxCacheAge: amount("max-cache-age", "SECONDS", "how long devices keep it; default 3 days"),
  downloadToExpire: amount("download-to-expire", "SECONDS", "how long devices keep what is unfinished; default 1 day"),
  foregroundQos: amount("foreground-qos", "BYTES", "a second, below which a foreground download takes more from HTTP"),
  backgroundQos: amount("background-qos", "BYTES", "the same for background downloads"),
  rank: amount("rank", "N", "its rank; default 0"),
  secure: yesOrNo("secure", "what IsSecure says; default no"),
  internal: yesOrNo("internal", "what IsInternal says; default no"),
  reset: Flag.Literals("reset", Name.literals).pipe(
    Flag.withDescription("what gets its default back; groups for no limit; may be given several times"),
    Flag.atLeast(0)
  )
}

interface PolicyInput {
  readonly group: ReadonlyArray<string>
  readonly peers: Option.Option<"yes" | "no">
  readonly expires: Option.Option<number>
  readonly maxCacheAge: Option.Option<number>
  readonly downloadToExpire: Option.Option<number>
  readonly foregroundQos: Option.Option<number>
  readonly backgroundQos: Option.Option<number>
  readonly rank: Option.Option<number>
  readonly secure: Option.Option<"yes" | "no">
  readonly internal: Option.Option<"yes" | "no">
  readonly reset: ReadonlyArray<Name>
}

/** What the flags ask for. */
export const policyOf = (input: PolicyInput): PolicyChange => {
  const set = new PolicySettings({
    ...given("peersAllowed", Option.map(input.peers, isYes)),
    ...given("expireAtSeconds", input.expires),
    ...given("maxCacheAgeSeconds", input.maxCacheAge),
    ...given("downloadToExpireSeconds", input.downloadToExpire),
    ...given("foregroundQosBps", input.foregroundQos),
    ...given("backgroundQosBps", input.backgroundQos),
    ...given("rank", input.rank),
    ...given("isSecure", Option.map(input.secure, isYes)),
    ...given("isInternal", Option.map(input.internal, isYes)),
    ...(input.group.length === 0 ? {} : { groups: [...new Set(input.group)] })
  })
  return new PolicyChange({ set, reset: [...input.reset] })
}

const isYes = (word: "yes" | "no"): boolean => word === "yes"

const given = <K extends Name, A>(field: K, value: Option.Option<A>): { readonly [N in K]?: A } =>
  Option.match(value, { onNone: () => ({}), onSome: (some) => ({ [field]: some }) as { readonly [N in K]: A } })

/** A content for programs. */
export const forPrograms = (content: ContentAdminRpcs.ContentRecord) => ({
  contentId: content.contentId,
  contentSize: content.contentSize,
  pieces: piecesOf(content),
  publishedAt: new Date(content.publishedAt).toISOString(),
  urls: content.urls,
  ...(content.queryHidden === undefined ? {} : { queryHidden: content.queryHidden }),
  policy: { ...content.policy },
  haltedAt: content.haltedAt === null ? null : new Date(content.haltedAt).toISOString()
})

export const piecesOf = ({ contentSize, pieceSize }: ContentAdminRpcs.ContentRecord): number =>
  Math.ceil(contentSize / pieceSize)

/** A content for people, in a line and one for each URL; `now` is epoch milliseconds. */
export const forPeople = (content: ContentAdminRpcs.ContentRecord, now: number): string => {
  const { contentId, contentSize, haltedAt, policy, queryHidden = [] } = content
  const expiry = policy.expireAtSeconds === undefined ? undefined : policy.expireAtSeconds * 1000
  const words = [
    `${contentId}  ${Amount.bytes(contentSize)}`,
    ...(haltedAt === null ? [] : ["halted"]),
    ...(expiry === undefined ? [] : [expiry <= now ? "expired" : `expires ${new Date(expiry).toISOString()}`]),
    ...(policy.peersAllowed === false ? ["without peers"] : []),
    ...((policy.groups ?? []).length === 0 ? [] : [`for ${(policy.groups ?? []).map(printable).join(", ")}`])
  ]
  const urls = content.urls.map((url, place) => (queryHidden.includes(place) ? `${url}?…` : url))
  const [first = "no current URL", ...others] = urls
  return [words.join("  "), ...[first, ...others].map((url) => `  ${url}`)].join("\n")
}

function secondsOf(text: string): Option.Option<number> {
  const millis = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isFinite(millis) && millis >= 0 ? Option.some(Math.floor(millis / 1000)) : Option.none()
}
