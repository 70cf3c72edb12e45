/** The swarms that there are now: how many are in them, what they receive, and how little of it comes from the origin. */
import { Anchor, Text } from "@mantine/core"
import type { LiveSwarm } from "@piecework/swarm/LiveView"
import { IconAffiliate } from "@tabler/icons-react"
import { Link } from "wouter"
import * as Contents from "../../calls/Contents.ts"
import * as Calls from "../../calls/Swarms.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Columns, Panel } from "../../parts/Panel.tsx"
import { Stat } from "../../parts/Stat.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import * as Session from "../../session/Session.ts"
import { useSession } from "../../session/useSession.ts"
import * as Amount from "../../view/Amount.ts"
import { nameOf } from "../../view/Address.ts"
import { allOf, KindBar } from "./Sources.tsx"

export const Page = () => {
  const live = useAsk(Calls.live(0), "live")
  const names = useNames(live.data?.swarms ?? [])
  return (
    <Within title="Swarms" about="Devices that download a content now, or hold it for others. This page is live.">
      <Totals />
      <Answered of={live} label="Asking the swarms">
        {({ count, swarms }) => (
          <Panel title="Now">
            <DataTable
              label="Swarms"
              rows={swarms}
              columns={columns(names)}
              keyOf={(row) => `${row.contentId} ${row.group ?? ""}`}
              order={{ key: "rate", isDescending: true }}
              search="Search these swarms"
              empty={
                <Empty title="Nobody is in a swarm" icon={<IconAffiliate size={36} stroke={1.4} aria-hidden />}>
                  A swarm is there while a device downloads a published content, or holds it for others.{" "}
                  <Anchor component={Link} href="/contents" underline="always">
                    See what is published
                  </Anchor>
                </Empty>
              }
            />
            {count > swarms.length ? (
              <Text size="sm" c="dimmed">
                The {swarms.length} with most members of {Amount.number(count)}.
              </Text>
            ) : null}
          </Panel>
        )}
      </Answered>
    </Within>
  )
}

const Totals = () => {
  const { data } = useAsk(Calls.totals, "live")
  if (data === undefined) return null
  const all = allOf(data.rate)
  return (
    <Columns least="13rem">
      <Stat
        label="Devices in swarms"
        value={Amount.number(data.devices)}
        about={`${Amount.number(data.complete)} of ${Amount.count(data.members, "membership")} complete`}
      />
      <Stat
        label="Received now"
        value={Amount.byteRate(all)}
        about={`by the members of ${Amount.count(data.swarms, "swarm")}`}
      />
      <Stat
        label="Not from the origin"
        value={all === 0 ? "–" : Amount.percent(Amount.share(all - data.rate.origin, all))}
        about={all === 0 ? "Nothing is being received." : `${Amount.byteRate(data.rate.origin)} from the origin`}
      />
    </Columns>
  )
}

/** What people call the contents of these swarms, for who may see it. */
const useNames = (swarms: ReadonlyArray<LiveSwarm>): ReadonlyMap<string, string> => {
  const session = useSession()
  const isAllowed = session.areas.includes("Contents") && Session.may(session, "Read")
  const ids = isAllowed ? [...new Set(swarms.map(({ contentId }) => contentId))].toSorted() : []
  const { data = [] } = useAsk(Contents.some(ids), "slow")
  return new Map(data.flatMap(({ contentId, urls }) => urls.slice(-1).map((url) => [contentId, nameOf(url)] as const)))
}

const linkOf = ({ contentId, group }: LiveSwarm): string =>
  `/swarms/${contentId}${group === undefined ? "" : `/${group}`}`

const columns = (names: ReadonlyMap<string, string>): ReadonlyArray<Column<LiveSwarm>> => [
  {
    key: "content",
    label: "Content",
    value: ({ contentId, group = "" }) => `${names.get(contentId) ?? ""} ${contentId} ${group}`,
    cell: (row) => (
      <>
        <Anchor component={Link} href={linkOf(row)} size="sm" fw={600}>
          {names.get(row.contentId) ?? `${row.contentId.slice(0, 14)}…`}
        </Anchor>
        {row.group === undefined ? null : (
          <Text size="xs" c="dimmed">
            group {row.group}
          </Text>
        )}
      </>
    )
  },
  { key: "members", label: "Members", value: ({ members }) => members, isNumber: true },
  { key: "complete", label: "Complete", value: ({ complete }) => complete, isNumber: true },
  { key: "sites", label: "Sites", value: ({ sites }) => sites, isNumber: true },
  {
    key: "rate",
    label: "Received now",
    value: ({ rate }) => allOf(rate),
    cell: ({ rate }) => Amount.byteRate(allOf(rate)),
    isNumber: true
  },
  {
    key: "sources",
    label: "From",
    value: ({ bytes }) => Amount.share(allOf(bytes) - bytes.origin, allOf(bytes)),
    cell: ({ bytes }) => <KindBar of={bytes} />
  }
]
