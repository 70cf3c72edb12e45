/**
 * The way to the service, looked at without proving who we are: who answers, with which certificate, and what time it is there. Nothing
 * secret is sent, so that a certificate which is not trusted can be looked at as well.
 */
import * as http from "node:http"
import * as https from "node:https"
import type { TLSSocket } from "node:tls"
import type * as Findings from "@piecework/doctor/Findings"
import { Proxies } from "@piecework/sources"
import { Effect } from "effect"

export interface Knocked {
  readonly status: number
  readonly isPage: boolean
  readonly leadsTo: string | undefined
  /** Epoch milliseconds, by the header `date`. */
  readonly date: number | undefined
  readonly certificate: Findings.Certificate | undefined
}

/** The system's word, and what it means where that is known. */
export interface Missed {
  readonly code: string
}

/** Longest time for an answer's head. */
const patience = "4 seconds"

/** Asks for `/health`, which every service answers to anybody. */
export const knock = (
  service: string,
  certificates: string | undefined,
  environment: NodeJS.ProcessEnv
): Effect.Effect<Knocked, Missed> =>
  Effect.callback<Knocked, Missed>((resume) => {
    const url = new URL(`${service.replace(/\/+$/, "")}/health`)
    const isTls = url.protocol === "https:"
    const proxyEnv = Proxies.forNode(environment)
    const agent = isTls
      ? new https.Agent({
          proxyEnv,
          ...(certificates === undefined ? {} : { ca: certificates }),
          rejectUnauthorized: false
        })
      : new http.Agent({ proxyEnv })
    const request = (isTls ? https : http).request(url, { agent, headers: { accept: "application/json" } })
    request.once("error", (error: NodeJS.ErrnoException) => resume(Effect.fail({ code: error.code ?? error.message })))
    request.once("response", (answer) => {
      const date = Date.parse(answer.headers.date ?? "")
      const type = answer.headers["content-type"] ?? ""
      const found: Knocked = {
        status: answer.statusCode ?? 0,
        isPage: /^(text\/html|application\/xhtml)/i.test(type),
        leadsTo: hostOf(answer.headers.location),
        date: Number.isFinite(date) ? date : undefined,
        certificate: isTls ? certificateOf(answer.socket as TLSSocket) : undefined
      }
      answer.destroy()
      resume(Effect.succeed(found))
    })
    request.end()
    return Effect.sync(() => {
      request.on("error", () => {})
      request.destroy()
      agent.destroy()
    })
  }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail<Missed>({ code: "ETIMEDOUT" }) }))

/** Where a redirect leads, without what may be secret of it. */
const hostOf = (location: string | undefined): string | undefined =>
  location !== undefined && URL.canParse(location) ? new URL(location).host : undefined

const certificateOf = (socket: TLSSocket): Findings.Certificate => {
  const { issuer, subject, subjectaltname, valid_from: from, valid_to: to } = socket.getPeerCertificate()
  const error: unknown = socket.authorizationError
  const names = (subjectaltname ?? "")
    .split(", ")
    .map((name) => name.replace(/^(DNS|IP Address):/, ""))
    .filter((name) => name !== "")
  return {
    flaw: socket.authorized ? undefined : codeOf(error),
    from: Date.parse(from) || 0,
    to: Date.parse(to) || 0,
    issuer: text(issuer?.CN ?? issuer?.O),
    names: (names.length > 0 ? names : [text(subject?.CN)])
      .filter((name) => name !== "")
      .slice(0, 32)
      .map(printable)
  }
}

const codeOf = (error: unknown): string =>
  typeof error === "string" ? error : error instanceof Error && "code" in error ? String(error.code) : "UNTRUSTED"

const text = (value: string | ReadonlyArray<string> | undefined): string =>
  printable((typeof value === "string" ? value : value?.[0]) ?? "")

/** A stranger wrote it, and a terminal shows it. */
const printable = (value: string): string => value.slice(0, 120).replaceAll(/[^ -~\u00a1-\uffff]/g, "?")
