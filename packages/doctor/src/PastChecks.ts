/** What the downloads of late tell: whether the peers that they were told of were reached, and whether they ended with their file. */
import { type Check, disabled, pass, warn } from "./Check.ts"
import type { Past } from "./Findings.ts"

/** Of downloads that may fail before somebody should look: a wrong URL is nobody's trouble. */
const mostFailing = 0.25

export const all = (past: Past): ReadonlyArray<Check> => [peers(past), downloads(past)]

const peers = ({ peers: found }: Past): Check => {
  if (found === undefined) return disabled("peers", "no download of the last 15 days was told of peers")
  const { connected, known, why } = found
  return connected > 0
    ? pass("peers", `the last download was told of ${known} and connected with ${connected}`)
    : warn(
        "peers",
        `the last download was told of ${known} ${known === 1 ? "peer" : "peers"} and connected with none${why === undefined ? "" : ` (${why})`}`,
        "Something between the devices does not let TCP port 7680 through: firewalls, client isolation of a WLAN, subnets without a route. piecework explain says it of each peer."
      )
}

const downloads = ({ ended, failed, why }: Past): Check => {
  if (ended === 0) return disabled("downloads", "none in the last 15 days")
  const sentence = `${failed} of ${ended} ${ended === 1 ? "download" : "downloads"} of the last 15 days failed`
  if (failed <= ended * mostFailing)
    return pass("downloads", failed === 0 ? `${ended} of the last 15 days, and none failed` : sentence)
  const last = why === undefined ? "" : `, the last with: ${why.replace(/\.$/, "")}`
  return warn("downloads", `${sentence}${last}`, "piecework explain says of each download what became of it and why.")
}
