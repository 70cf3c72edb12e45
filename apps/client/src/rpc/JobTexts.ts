/** Options of a job as the properties that the REST interface takes: texts by name, in an order in which each may be set. */
import type { JobOptions } from "@piecework/client/JobOptions"
import type { PropertyName } from "@piecework/jobs/JobProperty"

export type Property = readonly [name: PropertyName, value: string]

export const of = (options: JobOptions): ReadonlyArray<Property> => {
  const { integrity } = options
  const given: ReadonlyArray<readonly [PropertyName, string | undefined]> = [
    ["Uri", options.url],
    ["MirrorUris", options.mirrors?.join(" ")],
    ["LocalPath", options.path],
    ["ContentId", options.contentId],
    ["HttpCustomHeaders", lines(options.headers)],
    ["HttpCustomAuthHeaders", lines(options.authHeaders)],
    ["DisplayName", options.displayName],
    ["ForegroundPriority", options.priority === undefined ? undefined : String(options.priority === "Foreground")],
    ["NonVolatile", said(options.nonVolatile)],
    ["NoProgressTimeoutSeconds", said(options.noProgressTimeoutSeconds)],
    [
      "IntegrityCheckInfo",
      integrity?.hashOfHashes === undefined ? undefined : JSON.stringify({ HashOfHashes: integrity.hashOfHashes })
    ],
    ["IntegrityCheckMandatory", said(integrity?.isMandatory)],
    ["TotalSizeBytes", said(options.totalBytes)],
    ["HttpAllowSecureToNonSecureRedirect", said(options.allowInsecureRedirect)]
  ]
  return given.flatMap(([name, value]): ReadonlyArray<Property> => (value === undefined ? [] : [[name, value]]))
}

const said = (value: boolean | number | undefined): string | undefined =>
  value === undefined ? undefined : String(value)

const lines = (headers: JobOptions["headers"]): string | undefined =>
  headers === undefined
    ? undefined
    : Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("")
