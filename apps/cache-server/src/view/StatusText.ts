/** The state of a running cache server for people. */
import type { Done, ServiceStatus, Status } from "../control/Status.ts"
import * as Amount from "./Amount.ts"
import * as Table from "./Table.ts"

/** `now` is epoch milliseconds. */
export const render = (status: Status, now: number): string => {
  const { connections, http, https, origins, parents, peers, seeding } = status
  const doors = [http, https === undefined ? undefined : `${https} (HTTPS)`].filter((one) => one !== undefined)
  const serving = status.isServing
    ? `serves on ${doors.join(" and ")}`
    : "serves nobody: its service says that it is not enabled"
  return [
    `${status.name} ${serving}, for ${Amount.span(now - status.startedAt)} (process ${status.pid}, version ${status.version}).`,
    `Origins: ${origins.length === 0 ? "none, so every request is refused; name some with --origin" : origins.join(", ")}.`,
    ...(parents.length === 0 ? [] : [`Parents: ${parents.join(", ")}.`]),
    `${Amount.count(connections, "connection")} of clients${peers === undefined ? "" : `; ${Amount.count(seeding, "content")} for peers on ${peers}`}.`,
    ...(status.service === undefined ? [] : [ofService(status.service, now)]),
    "",
    Table.render(
      ["", "HITS", "MISSES", "RATIO", "OUT", "FROM ORIGINS", "PARENTS", "PEERS", "EFFICIENCY"],
      [row("last hour", status.lastHour), row("since start", status.sinceStart)],
      new Set(["HITS", "MISSES", "RATIO", "OUT", "FROM ORIGINS", "PARENTS", "PEERS", "EFFICIENCY"])
    ),
    "",
    Table.render(
      ["DRIVE", "USED", "OF", "STATE"],
      status.drives.map(({ folder, problem, size, used }) => [
        folder,
        Amount.bytes(used),
        Amount.bytes(size),
        problem ?? "in use"
      ]),
      new Set(["USED", "OF"])
    )
  ].join("\n")
}

const row = (title: string, done: Done): ReadonlyArray<string> => [
  title,
  String(done.hits),
  String(done.misses),
  Amount.share(done.hitRatio),
  Amount.bytes(done.bytesOut),
  Amount.bytes(done.bytesFromOrigin),
  Amount.bytes(done.bytesFromParents),
  Amount.bytes(done.bytesFromPeers),
  Amount.share(done.efficiency)
]

const ofService = ({ heardAt, name, node, problem, updateRing, url }: ServiceStatus, now: number): string => {
  const as = node === undefined ? "" : `, which calls it ${name ?? node}`
  const heard = heardAt === undefined ? "" : ` answered ${Amount.span(now - heardAt)} ago${as}`
  const ring = updateRing === undefined ? "" : `; update ring ${updateRing}`
  const first = `Service ${url}${heard === "" ? " has not answered yet" : heard}${ring}.`
  return problem === undefined ? first : `${heardAt === undefined ? `Service ${url}.` : first} ${problem}`
}
