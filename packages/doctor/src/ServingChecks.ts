/** Whether the device serves peers: its agent, the port, and whether others reach it. */
import { type Check, disabled, fail, pass, warn } from "./Check.ts"
import type { Serving, Settings } from "./Findings.ts"
import { withoutPeers } from "./SettingsChecks.ts"

export const all = (serving: Serving, settings: Settings): ReadonlyArray<Check> => [
  agent(serving),
  port(serving, settings),
  reach(serving, settings),
  disabled("teredo", "UDP port 3544 is not used: peers are dialled over IPv4 and IPv6 without tunnels")
]

const agent = ({ agent: one }: Serving): Check => {
  switch (one._tag) {
    case "Runs":
      return pass("agent", `it runs (process ${one.pid}, version ${one.version})`)
    case "Silent":
      return fail(
        "agent",
        `whoever has the agent's socket ${one.socket} open does not answer`,
        "Look at what the agent is doing, and start it again."
      )
    case "Denied":
      return warn(
        "agent",
        `this user may not speak with the agent at ${one.socket}`,
        "Run piecework doctor as the agent's user or as root."
      )
    case "None":
      return warn(
        "agent",
        "no agent runs, so this device gives nothing to others between its downloads",
        "Start piecework agent, as a unit of systemd for instance: docs/operation.md."
      )
  }
}

const port = ({ agent: one, port: at }: Serving, { mode }: Settings): Check => {
  const none = withoutPeers(mode)
  if (none !== undefined) return disabled("port", none)
  switch (at._tag) {
    case "Listening":
      return pass("port", `the agent listens on TCP port ${at.port}, and answers there`)
    case "Deaf":
      return fail(
        "port",
        `the agent says that it listens on TCP port ${at.port}, and nobody answers there`,
        "A firewall of this device may be in the way, for its own connections, too; else start the agent again."
      )
    case "Unused":
      return one._tag === "Runs"
        ? fail("port", "the agent serves no peers", "Its log says why at its start, or when it stopped serving.")
        : disabled("port", "it cannot be told whether the agent listens")
    case "Free":
      return pass("port", `TCP port ${at.port} is free for an agent or a download`)
    case "Taken":
      return fail(
        "port",
        `TCP port ${at.port} is taken by ${at.by ?? "another program"}`,
        "End that program, or give the agent another port with --port; peers are told which it is."
      )
    case "Refused":
      return fail("port", `TCP port ${at.port} cannot be listened on (${at.why})`, "Choose another port with --port.")
  }
}

const reach = ({ port: at, reach: found }: Serving, { mode }: Settings): Check => {
  const none = withoutPeers(mode)
  if (none !== undefined) return disabled("reach", none)
  if (at._tag !== "Listening" && at._tag !== "Free") return disabled("reach", "nobody listens for peers")
  if (found === undefined) return disabled("reach", "there is no service that could try from another machine")
  const number = at.port
  switch (found._tag) {
    case "Reached":
      return found.isSeen
        ? pass("reach", `the service reached TCP port ${number} at ${found.address}`)
        : warn(
            "reach",
            `somebody else than this device answers on TCP port ${number} at ${found.address}, as the service sees it`,
            "A router forwards the port to another device: forward it to this one, or give the agent another port."
          )
    case "Refused":
    case "Silent": {
      const how = found._tag === "Silent" ? "got no answer" : "was refused"
      if (found.isOwn) {
        return fail(
          "reach",
          `peers cannot reach TCP port ${number}: the service's connection to ${found.address} ${how}`,
          `Let TCP port ${number} in at the firewall of this device, and at those between it and its peers.${found.address.includes(":") ? " Where peers come by IPv6, listen with --host ::." : ""}`
        )
      }
      return mode === "Lan"
        ? disabled(
            "reach",
            `the service sees this site at ${found.address} and cannot look behind its router; peers of the site do not come by there`
          )
        : warn(
            "reach",
            `from outside TCP port ${number} cannot be reached: the service's connection to the site's address ${found.address} ${how}`,
            `Peers of the site reach it all the same, or not: that cannot be told from here. For others, forward TCP port ${number} at the router.`
          )
    }
    case "NotTried":
      return disabled("reach", `the service sees this device at ${found.address}, which it does not dial`)
    case "Untold":
      return disabled("reach", found.why)
  }
}
