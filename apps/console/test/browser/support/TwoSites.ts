/**
 * A page is shown the swarm that there is as if every other member, and whoever fed it, were at another site: on one machine all members are
 * neighbours. Only the places in the service's answers are changed, and the flows between them summed up anew.
 */
import { LiveFlow, LiveInside, LiveMember, LiveSite, LiveSwarm } from "@piecework/swarm/LiveView"
import { path } from "@piecework/swarm/SwarmRpcs"
import { Option, Schema } from "effect"
import type { Page } from "playwright-core"

/** For documents: RFC 5737. */
export const sites = ["198.51.100.7", "203.0.113.20"] as const

/** Answers a way back to what the service says. */
export const show = async (page: Page): Promise<() => Promise<void>> => {
  const url = `**${path}`
  await page.route(url, async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: changed(await response.json()) })
  })
  return () => page.unroute(url)
}

const decode = Schema.decodeUnknownOption(LiveInside)
const encode = Schema.encodeSync(LiveInside)

/** Finds the view in an answer, however deep the protocol has it. */
const changed = (json: unknown): unknown => {
  const view = Option.getOrUndefined(decode(json))
  if (view !== undefined) return encode(apart(view))
  if (Array.isArray(json)) return json.map(changed)
  if (typeof json !== "object" || json === null) return json
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, changed(value)]))
}

const apart = (view: LiveInside): LiveInside => {
  const siteOf = (n: number) => (n % 2 === 0 ? sites[0] : sites[1])
  const placed = view.members.map((member, n) => new LiveMember({ ...member, site: siteOf(n), externalIp: siteOf(n) }))
  const at = new Map(placed.map(({ peerId, site }) => [peerId, site]))
  const flows = sites.flatMap((from) =>
    sites.map((to) => {
      const given = placed
        .filter(({ site }) => site === to)
        .flatMap(({ fedBy }) => fedBy.filter(({ peerId }) => at.get(peerId) === from))
      return new LiveFlow({
        from,
        to,
        bytes: given.reduce((sum, { bytes }) => sum + bytes, 0),
        rate: given.reduce((sum, { rate }) => sum + rate, 0)
      })
    })
  )
  const [whole] = view.sites
  return new LiveInside({
    ...view,
    swarm: new LiveSwarm({ ...view.swarm, sites: sites.length }),
    members: placed,
    flows: flows.filter(({ bytes }) => bytes > 0),
    sites:
      whole === undefined
        ? []
        : sites.map(
            (site) => new LiveSite({ ...whole, site, members: placed.filter((one) => one.site === site).length })
          )
  })
}
