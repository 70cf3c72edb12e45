/** Flags that several commands share, and the words for download modes. */
import * as PolicySignature from "@piecework/cloud/PolicySignature"
import { Content, ContentUrl } from "@piecework/domain"
import type { ContentId } from "@piecework/domain/Content"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import { Failure } from "@piecework/terminal/Failure"
import { Config, Duration, Effect, Option, Result } from "effect"
import { Argument, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"

export const service = Flag.String("service").pipe(
  Flag.withDescription("URL of the matching service, like http://host:7670; without one there are no peers"),
  Flag.withMetavar("URL"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_SERVICE")),
  Flag.optional
)

export const serviceCa = Flag.String("service-ca").pipe(
  Flag.withDescription("certificates in PEM by which to know an https service, in place of the system's"),
  Flag.withMetavar("FILE"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_SERVICE_CA")),
  Flag.optional
)

export const serviceKey = Flag.String("service-key").pipe(
  Flag.withDescription(
    "keys of the service, with commas between: what it says of contents is to be signed by one of them"
  ),
  Flag.withMetavar("pwk_…"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_SERVICE_KEY")),
  Flag.optional
)

export const parseServiceKeys = (
  text: Option.Option<string>
): Effect.Effect<ReadonlyArray<PolicySignature.ServiceKey>, Failure> =>
  Effect.forEach(
    Option.match(text, { onNone: () => [], onSome: (given) => given.split(",").filter((one) => one.trim() !== "") }),
    (one) =>
      Option.match(PolicySignature.parseKey(one.trim()), {
        onNone: () =>
          Effect.fail(
            new Failure({
              sentence: `"${one.trim()}" is no key of a service; piecework-service key list shows them.`,
              code: exitCodes.usage
            })
          ),
        onSome: Effect.succeed
      })
  )

export const state = Flag.String("state").pipe(
  Flag.withDescription("folder for the cache and the records"),
  Flag.withMetavar("DIR"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_STATE")),
  Flag.optional
)

export const reports = Flag.Boolean("reports").pipe(
  Flag.withDescription(
    "tell the service what became of downloads and where their bytes came from; --no-reports does not"
  ),
  Flag.withFallbackConfig(Config.Boolean("PIECEWORK_REPORTS")),
  Flag.withDefault(true)
)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("print one JSON object instead of text"),
  Flag.withDefault(false)
)

export const host = Flag.String("host").pipe(
  Flag.withDescription("address to listen on for peers"),
  Flag.withMetavar("ADDRESS"),
  Flag.withDefault("0.0.0.0")
)

export const port = Flag.Int("port").pipe(
  Flag.filter(
    (n) => n >= 0 && n <= 65_535,
    (n) => `${n} is no TCP port; choose one from 0 to 65535`
  ),
  Flag.withDescription("TCP port to listen on for peers, default 7680; 0 takes any free one"),
  Flag.withMetavar("PORT"),
  Flag.optional
)

/** How modes are written on the command line. */
export const modes = {
  "http-only": "HttpOnly",
  lan: "Lan",
  group: "Group",
  internet: "Internet",
  simple: "Simple",
  bypass: "Bypass"
} as const satisfies Record<string, DownloadMode>

export const modeName = (mode: DownloadMode): string =>
  Object.entries(modes).find(([, value]) => value === mode)?.[0] ?? mode

export const mode = Flag.Literals("mode", ["http-only", "lan", "group", "internet", "simple", "bypass"]).pipe(
  Flag.withDescription("which sources may be used; default what the policy says, which is lan where it says nothing"),
  Flag.map((word): DownloadMode => modes[word]),
  Flag.optional
)

export const policy = Flag.String("policy").pipe(
  Flag.withDescription("policy file of this device; default /etc/piecework/policy.json"),
  Flag.withMetavar("FILE"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_POLICY")),
  Flag.optional
)

export const contentId = Flag.String("content-id").pipe(
  Flag.withDescription("what the file has to be; its hashes then need no service: they lie beside it, as URL.phf"),
  Flag.withMetavar("DO-…"),
  Flag.optional
)

export const parseContentId = (text: Option.Option<string>): Effect.Effect<ContentId | undefined, Failure> =>
  Option.match(text, {
    onNone: () => Effect.succeed(undefined),
    onSome: (given) =>
      Option.match(
        Option.filter(Content.parse(given), (id) => Option.isSome(Content.hashOfHashes(id))),
        {
          onNone: () =>
            Effect.fail(
              new Failure({
                sentence: `${given} is no content id; piecework phf FILE prints one.`,
                code: exitCodes.usage
              })
            ),
          onSome: Effect.succeed
        }
      )
  })

export const group = Flag.String("group").pipe(
  Flag.withDescription("the group of devices that are peers in group mode; a GUID is advised"),
  Flag.withMetavar("ID"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_GROUP")),
  Flag.optional
)

/** "90 s", "10 minutes", "1 hour", or a number of seconds. */
export const duration = (name: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(
      (text) => {
        const seconds = /^\d+(\.\d+)?$/.test(text.trim())
        const spaced = text
          .trim()
          .replace(/^(\d+(?:\.\d+)?)\s*([a-z]+)$/i, (_, n: string, unit: string) => `${n} ${units[unit] ?? unit}`)
        return Duration.fromInput((seconds ? `${text.trim()} seconds` : spaced) as Duration.Input)
      },
      (text) => `"${text}" is no span of time; write it like "90s", "10 minutes" or "1 hour"`
    ),
    Flag.withMetavar("DURATION")
  )

const units: { readonly [unit: string]: string } = {
  s: "seconds",
  sec: "seconds",
  m: "minutes",
  min: "minutes",
  h: "hours",
  d: "days"
}

export const url = Argument.String("url").pipe(Argument.withDescription("http or https URL of the file at its origin"))

/** A URL from outside, or the sentence that says what is wrong with it. */
export const parseUrl = (text: string): Effect.Effect<ContentUrl.ContentUrl, Failure> =>
  Result.match(ContentUrl.parse(text), {
    onSuccess: (parsed) => Effect.succeed(parsed),
    onFailure: (error) => Effect.fail(new Failure({ sentence: error.message, code: exitCodes.badUrl }))
  })

/** The service's URL, checked; `None` when there is none. */
export const parseService = (text: Option.Option<string>): Effect.Effect<Option.Option<string>, Failure> =>
  Option.match(
    Option.filter(text, (value) => value !== ""),
    {
      onNone: () => Effect.succeedNone,
      onSome: (value) =>
        Result.match(ContentUrl.parse(value), {
          onSuccess: (parsed) => Effect.succeed(Option.some(parsed)),
          onFailure: ({ message, reason }) =>
            Effect.fail(
              new Failure({
                sentence:
                  reason === "NotAUrl" || reason === "NotHttp"
                    ? `--service: "${value.slice(0, 120)}" is no URL of a service; give one like http://host:7670.`
                    : `--service: ${message}`,
                code: exitCodes.usage
              })
            )
        })
    }
  )
