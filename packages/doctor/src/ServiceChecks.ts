/** The service: the way there, whether it is the right one, and each of its roles. What stands behind a failure is not blamed for it. */
import { type Check, type CheckId, disabled, fail, pass, warn } from "./Check.ts"
import type { Certificate, Role, RoleAnswer, Service, Settings } from "./Findings.ts"
import { withoutPeers } from "./SettingsChecks.ts"

/** Milliseconds between the device's clock and the service's: more than the way takes; what signatures and tokens bear. */
const skew = { warn: 60_000, fail: 300_000 } as const
/** Milliseconds: a service renews its own certificate long before. */
const soon = 7 * 86_400_000

const off = (ids: ReadonlyArray<CheckId>, why: string): ReadonlyArray<Check> => ids.map((id) => disabled(id, why))

const roles: ReadonlyArray<Role> = ["geo", "kv", "content-policy", "discovery", "array"]
const behind: ReadonlyArray<CheckId> = ["enrolment", "external-ip", ...roles]

export const all = (service: Service, settings: Settings): ReadonlyArray<Check> => {
  const { way } = service
  switch (way._tag) {
    case "NoService":
      return [unset(settings), ...off(["tls", "clock", ...behind], "no service is set")]
    case "Unresolved":
      return off(["service", "tls", "clock", ...behind], `the name of the service, ${way.host}, does not resolve`)
    case "Unreachable":
      return [
        fail(
          "service",
          `the service does not answer at ${way.at} (${way.why})`,
          "Check whether the service runs and its URL is right, and whether a firewall is between."
        ),
        ...off(["tls", "clock", ...behind], "the service is not reached")
      ]
    case "ProxyFails":
      return [
        fail(
          "service",
          `the proxy on the way to the service is of no use: ${way.why}`,
          "Correct http_proxy or https_proxy, or name the service in no_proxy."
        ),
        ...off(["tls", "clock", ...behind], "the service is not reached")
      ]
    case "Portal":
      return [
        fail(
          "service",
          `a page for people answers in place of the service (HTTP ${way.status}${way.leadsTo === undefined ? "" : `, leads to ${way.leadsTo}`}): a captive portal, or another server`,
          "Sign in at the network with a browser; if there is nothing to sign in to, check the service's URL."
        ),
        ...off(["tls", "clock", ...behind], "something else answers in place of the service")
      ]
    case "Untrusted": {
      const isClock = isByClock(service.now, way.certificate, way.date)
      return [
        pass("service", `${service.url ?? ""} is reached`),
        isClock ? disabled("tls", "it cannot be told with this clock") : untrusted(way.certificate, service.now),
        clock(service.now, way.date),
        ...off(behind, "nobody proves to be the service")
      ]
    }
    case "Reached":
      return [
        pass(
          "service",
          `${service.url ?? ""} is reached${service.proxy === undefined ? "" : ` by the proxy ${service.proxy}`}`
        ),
        trusted(way.certificate, service.now),
        clock(service.now, way.date),
        enrolment(service),
        externalIp(service),
        ...roles.map((role) => roleCheck(service, role))
      ]
  }
}

/** Who wants no peers needs no service. */
const unset = ({ mode }: Settings): Check => {
  const none = withoutPeers(mode)
  return none === undefined
    ? warn(
        "service",
        "no service is set, so only downloads with a --content-id have peers, those of the local network",
        "Name the site's service with --service URL, or by PIECEWORK_SERVICE in the environment of the agent and of the commands."
      )
    : disabled("service", `no service is set, and ${none}`)
}

const day = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

/** The certificate is not valid by this device's clock, and is by that of who showed it, who is not near it. */
const isByClock = (now: number, { flaw, from, to }: Certificate, date: number | undefined): boolean =>
  (flaw === "CERT_HAS_EXPIRED" || flaw === "CERT_NOT_YET_VALID") &&
  date !== undefined &&
  Math.abs(now - date) > skew.fail &&
  date >= from &&
  date <= to

const untrusted = ({ flaw, from, issuer, names, to }: Certificate, now: number): Check => {
  if (flaw === "CERT_HAS_EXPIRED" || now > to) {
    return fail(
      "tls",
      `the service's certificate expired on ${day(to)}`,
      "Let the service renew it; one made by piecework-service init renews itself while the service runs."
    )
  }
  if (flaw === "CERT_NOT_YET_VALID" || now < from) {
    return fail(
      "tls",
      `the service's certificate holds from ${day(from)} on`,
      "Check the clock of the machine that made the certificate."
    )
  }
  if (flaw === "ERR_TLS_CERT_ALTNAME_INVALID" || flaw === "HOSTNAME_MISMATCH") {
    return fail(
      "tls",
      `the service's certificate is for ${names.slice(0, 4).join(", ") || "nobody"}, not for the name by which it is called`,
      "Call the service by one of these names, or make a certificate for the other: piecework-service init --server-name NAME."
    )
  }
  return fail(
    "tls",
    `the service's certificate is by an authority that is not known here (${issuer || "itself"})`,
    "Name the file with its authority with --service-ca, or enrol the device anew with it. If it should be known, somebody may be listening in between."
  )
}

const trusted = (certificate: Certificate | undefined, now: number): Check => {
  if (certificate === undefined) return disabled("tls", "it is called by plain HTTP, which has no certificate")
  return certificate.to - now < soon
    ? warn(
        "tls",
        `the service's certificate expires on ${day(certificate.to)}`,
        "Renew it; one made by piecework-service init renews itself while the service runs."
      )
    : pass("tls", `it is good until ${day(certificate.to)}, by ${certificate.issuer || "itself"}`)
}

const clock = (now: number, date: number | undefined): Check => {
  if (date === undefined) return disabled("clock", "the service does not say what time it is")
  const away = now - date
  const seconds = Math.round(Math.abs(away) / 1000)
  const span =
    seconds < 120
      ? `${seconds} s`
      : seconds < 7200
        ? `${Math.round(seconds / 60)} minutes`
        : `${Math.round(seconds / 3600)} hours`
  const sentence = `this device's clock is ${span} ${away < 0 ? "behind" : "ahead of"} the service's`
  const hint =
    "Set the clocks by NTP (timedatectl set-ntp true): certificates, signed answers, hours and ages go by them."
  if (Math.abs(away) > skew.fail) return fail("clock", sentence, hint)
  return Math.abs(away) > skew.warn ? warn("clock", sentence, hint) : pass("clock", "it agrees with the service's")
}

const refusedBy = (service: Service) =>
  service.roles.find(({ error }) => error?.reason === "NotEnrolled" || error?.reason === "CredentialRefused")?.error

const enrolment = (service: Service): Check => {
  const { enrolment: known } = service
  const error = refusedBy(service)
  if (error?.reason === "NotEnrolled") {
    return fail(
      "enrolment",
      "the service serves enrolled devices only, and this one is not",
      "Get a token from its administrator: piecework enrol --service URL TOKEN."
    )
  }
  if (error !== undefined) {
    return fail(
      "enrolment",
      `the service does not accept this device's credential any more${known === undefined ? "" : ` (${known.device})`}`,
      "It was revoked or has expired: enrol the device anew with piecework enrol."
    )
  }
  if (service.roles.length === 0 || service.roles[0]?.error !== undefined)
    return disabled("enrolment", "Geo does not answer")
  return pass(
    "enrolment",
    known === undefined ? "not enrolled, and the service serves it" : `enrolled as ${known.device}`
  )
}

const externalIp = (service: Service): Check => {
  const { externalIps, isLocal, leavesFrom, ownAddresses, proxy } = service
  const [first, second] = externalIps
  if (first === undefined) return disabled("external-ip", "Geo does not answer")
  const own = "Who is seen at one address counts as one site:"
  if (proxy !== undefined) {
    return warn(
      "external-ip",
      `requests to the service go by the proxy ${proxy}, so it sees ${first} and not this site's address`,
      `${own} name the service in no_proxy, so that it sees where its devices are.`
    )
  }
  if (second !== undefined && second !== first) {
    return warn(
      "external-ip",
      `the service sees this device at ${first} and then at ${second}`,
      `${own} let this site go out by one address, or use the mode Group with DOGroupId.`
    )
  }
  const isOwn = ownAddresses.includes(first)
  if (!isOwn && isLoopback(first)) {
    return warn(
      "external-ip",
      `the service sees this device at ${first}, which is the service's own machine`,
      `${own} a reverse proxy stands before the service; tell the service of it with --trust-proxy.`
    )
  }
  if (isLocal && !isOwn && leavesFrom !== undefined) {
    return pass(
      "external-ip",
      `the service sees this device at ${first}, by a NAT or proxy between; it goes there from ${leavesFrom}`
    )
  }
  return pass("external-ip", isOwn ? `${first}, this device's own` : `${first}, the site's`)
}

const isLoopback = (ip: string): boolean => ip.startsWith("127.") || ip === "::1" || ip.startsWith("::ffff:127.")

const tells: { readonly [R in Role]: string } = {
  geo: "Geo answers",
  kv: "KeyValue answers, with settings and where the others are",
  "content-policy": "ContentPolicy answers, which vouches for contents",
  discovery: "Discovery answers, and names an Array",
  array: "Array answers, where swarms are joined"
}

/** Who says where the role is. */
const toldBy: { readonly [R in Role]?: Role } = {
  kv: "geo",
  "content-policy": "kv",
  discovery: "kv",
  array: "discovery"
}

const roleCheck = (service: Service, role: Role): Check => {
  const found = service.roles.find((one) => one.role === role)
  if (found === undefined) {
    const source = toldBy[role]
    return disabled(
      role,
      source === undefined ? "it was not asked" : `${tells[source].split(" ")[0] ?? ""} did not say where it is`
    )
  }
  return answered(found)
}

const answered = ({ error, role }: RoleAnswer): Check => {
  if (error === undefined) return pass(role, tells[role])
  if (error.reason === "NotEnrolled" || error.reason === "CredentialRefused") {
    return disabled(role, "it does not serve this device: see its enrolment")
  }
  return fail(
    role,
    error.sentence.replace(/\.$/, ""),
    hints[error.reason] ?? "Look into the log of the service: it says why."
  )
}

const hints: Readonly<Record<string, string>> = {
  Unreachable:
    "Check whether the process with this role runs, and whether the URL that the service tells for it (--role-url) can be reached from here.",
  TimedOut: "Check whether the process with this role runs, and how busy it is.",
  Untrusted: "Let the role have a certificate of the same authority as the service.",
  Refused: "If it answers 429, too many requests come from this address; its administrator can raise the limit."
}
