/**
 * The properties of a job: their names, what they take, who may read and set them, and in which states. Values are texts outside and
 * parts of a `JobSpec` inside. Source: spec.md §3.3 (table of properties), §3.4 (states and the agent's names).
 */
import * as Content from "@piecework/domain/Content"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import type { NamedHashes } from "@piecework/download/NamedHashes"
import { Option, Result, Schema } from "effect"
import * as CostPolicy from "./CostPolicy.ts"
import { headerLines } from "./internal/headerLines.ts"
import { code } from "./JobError.ts"
import { DecryptionInfo, digestOf, IntegrityInfo, type JobSpec } from "./JobSpec.ts"
import type { JobState } from "./JobState.ts"
import * as NoProgress from "./NoProgress.ts"

/** `Never`: the job says it. `Created`: until it starts. `Still`: while nothing is transferred. `Always`: as long as it is in the list. */
type Settable = "Never" | "Created" | "Still" | "Always"

const settableIn: { readonly [S in Settable]: ReadonlySet<JobState> } = {
  Never: new Set(),
  Created: new Set<JobState>(["Created"]),
  Still: new Set<JobState>(["Created", "Paused"]),
  Always: new Set<JobState>(["Created", "Transferring", "Transferred", "Paused"])
}

/** What the job says of itself. */
export interface Own {
  readonly id: string
  readonly bytesTotal: number
  readonly facts: HttpFacts
}

/** What the server of the content said last, as far as it is known. */
export interface HttpFacts {
  readonly redirectionTarget?: string | undefined
  readonly responseHeaders?: string | undefined
  readonly serverAddress?: string | undefined
  readonly status?: number | undefined
}

export interface JobProperty {
  /** The number that it has in other interfaces. */
  readonly number: number
  readonly settable: Settable
  /** `undefined`: it can only be set. Answers `undefined` for what is not known yet. */
  readonly read: ((spec: JobSpec, own: Own) => string | undefined) | undefined
  /** What the text means, or the number of what is wrong with it. */
  readonly write: ((text: string) => Result.Result<Partial<JobSpec>, number>) | undefined
}

const invalid = Result.fail(code("InvalidArgument"))

/** Bytes; texts from outside are no longer. */
const mostText = 4096
const mostJson = 16_384

/** As many as a download takes, and the bytes of all their texts, which records have room for. */
const mostMirrors = 16
const mostMirrorText = 32_768

/** Visible in one line. */
const isPlain = (text: string): boolean => !/\p{Cc}/u.test(text)

const text =
  (most: number, part: (text: string) => Partial<JobSpec>, isGood: (text: string) => boolean = isPlain) =>
  (given: string): Result.Result<Partial<JobSpec>, number> =>
    given === "" || Buffer.byteLength(given) > most || !isGood(given) ? invalid : Result.succeed(part(given))

const natural =
  (least: number, most: number, part: (n: number) => Partial<JobSpec>) =>
  (given: string): Result.Result<Partial<JobSpec>, number> => {
    const n = /^\d{1,16}$/.test(given) ? Number(given) : NaN
    return n >= least && n <= most ? Result.succeed(part(n)) : invalid
  }

const flag =
  (part: (is: boolean) => Partial<JobSpec>) =>
  (given: string): Result.Result<Partial<JobSpec>, number> => {
    const word = given.toLowerCase()
    if (word === "true" || word === "1") return Result.succeed(part(true))
    return word === "false" || word === "0" ? Result.succeed(part(false)) : invalid
  }

const json =
  <A>(schema: Schema.Codec<A, unknown>, part: (value: A) => Partial<JobSpec>) =>
  (given: string): Result.Result<Partial<JobSpec>, number> => {
    if (Buffer.byteLength(given) > mostJson) return invalid
    return Option.match(Schema.decodeUnknownOption(Schema.fromJsonString(schema))(given), {
      onNone: () => invalid,
      onSome: (value) => Result.succeed(part(value))
    })
  }

/** An absolute path of a file, as it is: nothing in it means another place than it says. */
const isPath = (path: string): boolean =>
  path.startsWith("/") && isPlain(path) && !path.endsWith("/") && !path.split("/").includes("..")

const most32 = 0xffff_ffff
const said = (is: boolean | undefined): string => String(is ?? false)

/** 15 to 17 (client certificate, user for proxies, telemetry), callbacks, streams and blocking calls are of COM and not here. */
export const table = {
  Id: { number: 0, settable: "Never", read: (_, own) => own.id, write: undefined },
  Uri: {
    number: 1,
    settable: "Still",
    read: ({ uri }) => uri ?? "",
    write: (given) => {
      if (given === "") return invalid
      return Result.mapBoth(ContentUrl.parse(given), {
        onFailure: () => code("InvalidUrl"),
        onSuccess: (uri) => ({ uri })
      })
    }
  },
  ContentId: {
    number: 2,
    settable: "Created",
    read: ({ contentId }) => contentId ?? "",
    write: (given) =>
      // What only looks like one of ours would be taken for the name of something that nobody checks.
      given.startsWith("DO-") && Option.isNone(Option.flatMap(Content.parse(given), Content.hashOfHashes))
        ? Result.fail(code("InvalidContentId"))
        : text(mostText, (contentId) => ({ contentId }))(given)
  },
  DisplayName: {
    number: 3,
    settable: "Always",
    read: ({ displayName }) => displayName ?? "",
    write: text(256, (displayName) => ({ displayName }))
  },
  LocalPath: {
    number: 4,
    settable: "Created",
    read: ({ localPath }) => localPath ?? "",
    write: text(mostText - 1, (localPath) => ({ localPath }), isPath)
  },
  HttpCustomHeaders: {
    number: 5,
    settable: "Still",
    read: ({ httpCustomHeaders }) => httpCustomHeaders ?? "",
    write: (given) => Result.map(headerLines(given), (httpCustomHeaders) => ({ httpCustomHeaders }))
  },
  CostPolicy: {
    number: 6,
    settable: "Always",
    read: (spec) => String(CostPolicy.of(spec)),
    write: natural(0, CostPolicy.numbers.NoCellular, (costPolicy) => ({ costPolicy }))
  },
  CallbackFreqPercent: {
    number: 8,
    settable: "Always",
    read: ({ callbackFreqPercent }) => String(callbackFreqPercent ?? 0),
    write: natural(0, 100, (callbackFreqPercent) => ({ callbackFreqPercent }))
  },
  CallbackFreqSeconds: {
    number: 9,
    settable: "Always",
    read: ({ callbackFreqSeconds }) => String(callbackFreqSeconds ?? 1),
    write: natural(0, most32, (callbackFreqSeconds) => ({ callbackFreqSeconds }))
  },
  NoProgressTimeoutSeconds: {
    number: 10,
    settable: "Always",
    read: ({ noProgressTimeoutSeconds }) => String(noProgressTimeoutSeconds ?? NoProgress.defaultTimeout),
    write: natural(NoProgress.leastTimeout, most32, (noProgressTimeoutSeconds) => ({ noProgressTimeoutSeconds }))
  },
  ForegroundPriority: {
    number: 11,
    settable: "Always",
    read: ({ foregroundPriority }) => said(foregroundPriority),
    write: flag((foregroundPriority) => ({ foregroundPriority }))
  },
  DecryptionInfo: {
    number: 18,
    settable: "Created",
    read: undefined,
    write: json(DecryptionInfo, (decryptionInfo) => ({ decryptionInfo }))
  },
  IntegrityCheckInfo: {
    number: 19,
    settable: "Created",
    read: undefined,
    write: json(IntegrityInfo, (integrityCheckInfo) => ({ integrityCheckInfo }))
  },
  IntegrityCheckMandatory: {
    number: 20,
    settable: "Created",
    read: ({ integrityCheckMandatory }) => said(integrityCheckMandatory),
    write: flag((integrityCheckMandatory) => ({ integrityCheckMandatory }))
  },
  TotalSizeBytes: {
    number: 21,
    settable: "Created",
    read: ({ totalSizeBytes }, { bytesTotal }) => String(bytesTotal > 0 ? bytesTotal : (totalSizeBytes ?? 0)),
    write: natural(1, Number.MAX_SAFE_INTEGER, (totalSizeBytes) => ({ totalSizeBytes }))
  },
  DisallowOnCellular: {
    number: 22,
    settable: "Always",
    read: ({ disallowOnCellular }) => said(disallowOnCellular),
    write: flag((disallowOnCellular) => ({ disallowOnCellular }))
  },
  HttpCustomAuthHeaders: {
    number: 23,
    settable: "Still",
    // What is in there is a secret of whoever set it.
    read: undefined,
    write: (given) => Result.map(headerLines(given), (httpCustomAuthHeaders) => ({ httpCustomAuthHeaders }))
  },
  HttpAllowSecureToNonSecureRedirect: {
    number: 24,
    settable: "Still",
    read: ({ httpAllowSecureToNonSecureRedirect }) => said(httpAllowSecureToNonSecureRedirect),
    write: flag((httpAllowSecureToNonSecureRedirect) => ({ httpAllowSecureToNonSecureRedirect }))
  },
  NonVolatile: {
    number: 25,
    settable: "Always",
    read: ({ nonVolatile }) => said(nonVolatile),
    write: flag((nonVolatile) => ({ nonVolatile }))
  },
  HttpRedirectionTarget: {
    number: 26,
    settable: "Never",
    read: (_, { facts }) => facts.redirectionTarget,
    write: undefined
  },
  HttpResponseHeaders: {
    number: 27,
    settable: "Never",
    read: (_, { facts }) => facts.responseHeaders,
    write: undefined
  },
  HttpServerIPAddress: { number: 28, settable: "Never", read: (_, { facts }) => facts.serverAddress, write: undefined },
  HttpStatusCode: {
    number: 29,
    settable: "Never",
    read: (_, { facts }) => (facts.status === undefined ? undefined : String(facts.status)),
    write: undefined
  },
  /** Ours: other interfaces know no such thing. */
  MirrorUris: {
    number: 1000,
    settable: "Still",
    read: ({ mirrorUris = [] }) => mirrorUris.join(" "),
    write: (given) => {
      const texts = given.trim() === "" ? [] : given.trim().split(/\s+/)
      if (Buffer.byteLength(given) > mostMirrorText || texts.length > mostMirrors) return invalid
      const mirrorUris: Array<ContentUrl.ContentUrl> = []
      for (const one of texts) {
        const parsed = ContentUrl.parse(one)
        if (Result.isFailure(parsed)) return Result.fail(code("InvalidUrl"))
        mirrorUris.push(parsed.success)
      }
      return Result.succeed({ mirrorUris })
    }
  }
} as const satisfies { readonly [name: string]: JobProperty }

export type PropertyName = keyof typeof table

export const names: ReadonlyArray<PropertyName> = Object.keys(table).map((name) => name as PropertyName)

/** The agent's own name for the destination. Source: spec.md §3.4. */
const otherNames: ReadonlyMap<string, PropertyName> = new Map([["downloadfilepath", "LocalPath"]])
const byName = new Map<string, PropertyName>(names.map((name) => [name.toLowerCase(), name]))

/** A name from outside, in any case; `undefined` when there is no such property here. */
export const named = (name: string): PropertyName | undefined =>
  otherNames.get(name.toLowerCase()) ?? byName.get(name.toLowerCase())

const propertyOf = (name: PropertyName): JobProperty => table[name]

/** The value as a text, or the number of what is wrong. */
export const get = (name: PropertyName, spec: JobSpec, own: Own): Result.Result<string, number> => {
  const { read } = propertyOf(name)
  if (read === undefined) return Result.fail(code("WriteOnlyProperty"))
  const value = read(spec, own)
  return value === undefined ? Result.fail(code("InformationUnavailable")) : Result.succeed(value)
}

/** The specification with the value in it, or the number of what is wrong. */
export const set = (
  name: PropertyName,
  given: string,
  spec: JobSpec,
  state: JobState
): Result.Result<JobSpec, number> => {
  const { settable, write } = propertyOf(name)
  if (write === undefined) return Result.fail(code("ReadOnlyProperty"))
  const part = write(given)
  if (Result.isFailure(part)) return Result.fail(part.failure)
  if (!settableIn[settable].has(state)) return Result.fail(code("InvalidState"))
  return Result.succeed({ ...spec, ...part.success })
}

/** The content that the bytes have to be, where the caller said it. */
export const contentOf = ({ contentId, integrityCheckInfo }: JobSpec): Content.ContentId | undefined => {
  const { HashOfHashes } = integrityCheckInfo ?? {}
  const digest = HashOfHashes === undefined ? undefined : digestOf(HashOfHashes)
  if (digest !== undefined) return Content.idOf(digest)
  return contentId === undefined ? undefined : Option.getOrUndefined(Content.parse(contentId))
}

/** Where the hashes of the content lie, where the caller said it. */
export const hashesOf = ({ integrityCheckInfo }: JobSpec): NamedHashes | undefined => {
  const { HashOfHashes, PiecesHashFileDigest, PiecesHashFileUrl } = integrityCheckInfo ?? {}
  const url =
    PiecesHashFileUrl === undefined
      ? undefined
      : Option.getOrUndefined(Result.getSuccess(ContentUrl.parse(PiecesHashFileUrl)))
  const hashOfHashes = HashOfHashes === undefined ? undefined : digestOf(HashOfHashes)
  const fileDigest = PiecesHashFileDigest === undefined ? undefined : digestOf(PiecesHashFileDigest)
  if (url === undefined) return undefined
  if (hashOfHashes !== undefined) return { url, expected: { hashOfHashes, fileDigest } }
  return fileDigest === undefined ? undefined : { url, expected: { fileDigest } }
}
