/** Whether this device is one that may have peers, now and at all. Which facts forbid what is decided by `policy/Eligibility`. */
import type { Verdict } from "@piecework/policy/Eligibility"
import type { Policy } from "@piecework/policy/Policy"
import type { Name } from "@piecework/policy/Settings"
import { gibibyte } from "@piecework/policy/Units"
import { type Check, disabled, fail, pass, warn } from "./Check.ts"
import type { Device, Settings } from "./Findings.ts"

/** Of open files: sockets of peers, pieces and clients together; systems without a special limit have 1,024. */
const leastFiles = 1024

export const all = (device: Device, settings: Settings): ReadonlyArray<Check> => {
  const { policy } = settings
  return [
    memory(device, policy),
    disk(device, policy),
    vpn(device, policy),
    battery(device, settings),
    metered(device),
    month(device, settings),
    node(device),
    files(device),
    network(device)
  ]
}

const reasonOf = (verdict: Verdict, setting: Name | undefined): string | undefined =>
  verdict.find((reason) => reason.setting === setting)?.sentence

const inGiB = (bytes: number): string => `${(bytes / gibibyte).toFixed(1)} GB`

const memory = ({ facts, standing }: Device, policy: Policy): Check => {
  const setting = "DOMinRAMAllowedToPeer"
  const why = reasonOf(standing.peering, setting)
  if (why !== undefined) {
    return fail(
      "memory",
      `${why} (${setting}), so it has no peers`,
      `Lower ${setting}; the client itself needs far less.`
    )
  }
  return facts.memory === undefined
    ? disabled("memory", "the system does not tell how much memory there is")
    : pass("memory", `${inGiB(facts.memory)} of memory, ${policy.get(setting)} are asked for`)
}

const disk = ({ facts, standing }: Device, policy: Policy): Check => {
  const setting = "DOMinDiskSizeAllowedToPeer"
  const why = reasonOf(standing.peering, setting)
  if (why !== undefined) {
    return fail(
      "disk-size",
      `${why} (${setting}), so it has no peers`,
      `Lower ${setting}, or let the cache lie on a larger disk (DOModifyCacheDrive).`
    )
  }
  return facts.disk === undefined
    ? disabled("disk-size", "the system does not tell how large the disk of the cache is")
    : pass("disk-size", `the disk of the cache has ${inGiB(facts.disk)}, ${policy.get(setting)} are asked for`)
}

const vpn = ({ facts, standing }: Device, policy: Policy): Check => {
  if (facts.vpn === false) return pass("vpn", "no interface is a VPN's")
  const why = reasonOf(standing.peering, "DOAllowVPNPeerCaching")
  const caches = policy.get("DODisallowCacheServerDownloadsOnVPN") ? ", and asks no cache server" : ""
  return why === undefined
    ? pass("vpn", `${facts.vpn} counts as a VPN, and peers are allowed all the same${caches}`)
    : warn(
        "vpn",
        `${facts.vpn} counts as a VPN, so the device has no peers while it is up${caches}`,
        "Leave the VPN, set DOAllowVPNPeerCaching, or, where it is none, DOVpnKeywords so that its name is not taken for one."
      )
}

const battery = ({ facts: { power }, standing }: Device, { policy }: Settings): Check => {
  const setting = "DOMinBatteryPercentageAllowedToUpload"
  if (power === undefined) return disabled("battery", "the system does not tell where the power comes from")
  if (power === "Mains") return pass("battery", "the power comes from the mains")
  const why = reasonOf(standing.near, setting)
  const least = policy.get(setting)
  if (why === undefined) return pass("battery", `the battery is at ${power.percent} %, and ${least} % are asked for`)
  return warn(
    "battery",
    `${why} (${power.percent} %), so nothing is sent to peers`,
    least === 0
      ? `Plug the device in, or set ${setting} to the charge above which it may send; 0 is never on battery.`
      : `Charge the device, or lower ${setting}.`
  )
}

const metered = ({ facts: { isMetered } }: Device): Check => {
  if (isMetered === undefined) return disabled("metered", "nothing on this system tells whether the network is metered")
  return isMetered
    ? warn(
        "metered",
        "the network in use is metered, so nothing is sent to peers",
        "Use another network, or tell NetworkManager that this one is not metered."
      )
    : pass("metered", "the network is not metered")
}

const month = ({ month: { month: name, sent }, standing }: Device, { mode, policy }: Settings): Check => {
  const setting = "DOMonthlyUploadDataCap"
  if (mode !== "Internet") return disabled("monthly-cap", `only Internet peers count, and the mode is ${mode}`)
  const cap = policy.get(setting)
  const why = reasonOf(standing.far, setting)
  if (why !== undefined) {
    return warn("monthly-cap", `${why} in ${name}`, `Raise ${setting}, or wait for the next month; 0 is no limit.`)
  }
  return pass(
    "monthly-cap",
    `${inGiB(sent)} of ${cap === 0 ? "as much as it likes" : `${cap} GB`} were sent in ${name}`
  )
}

const node = ({ node: { isEnough, needed, version } }: Device): Check =>
  isEnough
    ? pass("node", `Node ${version}`)
    : fail("node", `this is Node ${version}, and ${needed} is needed`, `Install Node ${needed} or later.`)

const files = ({ openFiles }: Device): Check => {
  if (openFiles === undefined) return disabled("open-files", "the system does not tell how many files may be open")
  const { most, used } = openFiles
  const raise = "Raise it: LimitNOFILE= in the unit of systemd, or ulimit -n."
  if (used !== undefined && used > most * 0.9) {
    return fail("open-files", `${used} of ${most} files that the agent may have open are open`, raise)
  }
  return most < leastFiles
    ? warn("open-files", `no more than ${most} files and connections may be open`, raise)
    : pass("open-files", `${most} files and connections may be open${used === undefined ? "" : `, ${used} are`}`)
}

const network = ({ interfaces }: Device): Check =>
  interfaces.length === 0
    ? fail("network", "no network interface has an address", "Connect the device to a network.")
    : pass("network", interfaces.map(({ addresses, name }) => `${name} ${addresses[0] ?? ""}`).join(", "))
