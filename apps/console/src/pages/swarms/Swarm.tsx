/** One swarm from inside: its sites, its members, and who feeds whom. */
import { Anchor, Progress, Text } from "@mantine/core"
import { ContentId } from "@piecework/domain/Content"
import type { LiveFlow, LiveInside, LiveMember } from "@piecework/swarm/LiveView"
import { IconAffiliate } from "@tabler/icons-react"
import { Option, Schema } from "effect"
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
import { Tag } from "../../parts/Tag.tsx"
import * as Amount from "../../view/Amount.ts"
import { nameOf } from "../../view/Address.ts"
import { Picture } from "./Picture.tsx"
import * as Ring from "./Ring.ts"
import { allOf } from "./Sources.tsx"

const decodeId = Schema.decodeUnknownOption(ContentId)

export const Page = ({ params }: { readonly params: Readonly<Record<string, string>> }) => {
  const id = Option.getOrUndefined(decodeId(params["content"]))
  return id === undefined ? (
    <Within title="No such swarm">
      <Empty title="This address names no content" />
    </Within>
  ) : (
    <Swarm contentId={id} group={params["group"]} />
  )
}

const Swarm = ({ contentId, group }: { readonly contentId: ContentId; readonly group: string | undefined }) => {
  const inside = useAsk(Calls.inside(contentId, group), "live")
  const { data: record } = useAsk(Contents.some([contentId]), "slow")
  const url = record?.[0]?.urls.at(-1)
  return (
    <Within
      title={url === undefined ? "Swarm" : nameOf(url)}
      about={
        <>
          <Anchor component={Link} href="/swarms" size="sm" underline="always">
            Swarms
          </Anchor>{" "}
          / {contentId}
          {group === undefined ? null : `, group ${group}`}
        </>
      }
      actions={
        url === undefined ? null : (
          <Anchor component={Link} href={`/contents/${contentId}`} size="sm">
            The content
          </Anchor>
        )
      }
    >
      <Answered of={inside} label="Asking the swarm">
        {(data) =>
          data === null ? (
            <Panel title="Members">
              <Empty title="Nobody is in this swarm now" icon={<IconAffiliate size={36} stroke={1.4} aria-hidden />}>
                It is there again as soon as a device downloads the content or holds it for others.
              </Empty>
            </Panel>
          ) : (
            <Inside of={data} />
          )
        }
      </Answered>
    </Within>
  )
}

const Inside = ({ of }: { readonly of: LiveInside }) => {
  const { members, swarm } = of
  const rate = allOf(swarm.rate)
  return (
    <>
      <Columns least="12rem">
        <Stat
          label="Members"
          value={Amount.number(swarm.members)}
          about={`${Amount.number(swarm.complete)} hold all of it`}
        />
        <Stat
          label="Sites"
          value={Amount.number(swarm.sites)}
          about={`${Amount.count(of.leasedPieces, "piece")} leased`}
        />
        <Stat
          label="Received now"
          value={Amount.byteRate(rate)}
          about={rate === 0 ? "Nothing is being received." : `${Amount.byteRate(swarm.rate.origin)} from the origin`}
        />
        <Stat
          label="Not from the origin"
          value={
            allOf(swarm.bytes) === 0
              ? "–"
              : Amount.percent(Amount.share(allOf(swarm.bytes) - swarm.bytes.origin, allOf(swarm.bytes)))
          }
          about={`of ${Amount.bytes(allOf(swarm.bytes))} that its members received`}
        />
      </Columns>
      <Panel
        title="Who feeds whom"
        about={
          of.next === undefined
            ? "Lines are what was given between the last two joins of a member, thicker the faster. Point at a member to see only its lines."
            : `The first ${members.length} of ${Amount.count(swarm.members, "member")}.`
        }
      >
        <Picture members={members} />
      </Panel>
      <Panel title="Members">
        <DataTable
          label="Members of the swarm"
          rows={members}
          columns={columns(of.at)}
          keyOf={({ peerId }) => peerId}
          order={{ key: "rate", isDescending: true }}
          search="Search these members"
          empty={<Empty title="Nobody is in this swarm now" />}
        />
      </Panel>
      {of.sites.length < 2 ? null : (
        <Panel
          title="Between sites"
          about="What the members of a site received from those of another, or of their own."
        >
          <DataTable
            label="Flows between sites"
            rows={of.flows}
            columns={flowColumns}
            keyOf={({ from, to }) => `${from} ${to}`}
            order={{ key: "rate", isDescending: true }}
            empty={<Empty title="Nothing was given yet" />}
          />
        </Panel>
      )}
    </>
  )
}

const kinds = { Pc: "PC", Server: "server", Other: "device" } as const

/** Who gave between its last two joins, and how fast; of a member that receives nothing any more, how much. */
const fedBy = ({ fedBy: feeders, rate }: LiveMember): string => {
  const giving = feeders.filter((feeder) => feeder.bytes > 0)
  const { cacheServer = 0, origin = 0 } = rate ?? {}
  const parts = [
    ...giving
      .slice(0, 3)
      .map(
        ({ bytes, peerId, rate: now }) =>
          `${Ring.shortName(peerId)} ${now > 0 ? Amount.byteRate(now) : Amount.bytes(bytes)}`
      ),
    ...(giving.length > 3 ? [`${giving.length - 3} more`] : []),
    ...(cacheServer > 0 ? [`cache server ${Amount.byteRate(cacheServer)}`] : []),
    ...(origin > 0 ? [`origin ${Amount.byteRate(origin)}`] : [])
  ]
  return parts.length === 0 ? "nobody now" : parts.join(", ")
}

const columns = (now: number): ReadonlyArray<Column<LiveMember>> => [
  {
    key: "member",
    label: "Member",
    value: ({ host, peerId, site }) => `${Ring.shortName(peerId)} ${host} ${site}`,
    cell: (member) => (
      <>
        <Text size="sm" fw={600}>
          {Ring.shortName(member.peerId)}
        </Text>
        <Text size="xs" c="dimmed">
          {kinds[member.kind]} at {member.host}, site {member.site}
        </Text>
      </>
    )
  },
  {
    key: "has",
    label: "Has",
    value: ({ isComplete, percent = 0 }) => (isComplete ? 100 : percent),
    cell: ({ isComplete, percent = 0 }) =>
      isComplete ? (
        <Tag tone="good">all of it</Tag>
      ) : (
        <div>
          <Text size="sm">{Amount.percent(percent)}</Text>
          <Progress value={percent} size="xs" w="5rem" aria-label="Part that it holds" />
        </div>
      )
  },
  {
    key: "rate",
    label: "Receives",
    value: ({ rate }) => (rate === undefined ? 0 : allOf(rate)),
    cell: ({ rate }) => (rate === undefined ? "–" : Amount.byteRate(allOf(rate))),
    isNumber: true
  },
  { key: "from", label: "Fed by", value: fedBy },
  {
    key: "gives",
    label: "Gives",
    value: ({ gives }) => gives,
    cell: ({ gives }) => Amount.byteRate(gives),
    isNumber: true
  },
  {
    key: "seen",
    label: "Heard",
    value: ({ seenAt }) => seenAt,
    cell: ({ seenAt }) => Amount.ago(seenAt, now),
    isNumber: true
  }
]

const flowColumns: ReadonlyArray<Column<LiveFlow>> = [
  { key: "from", label: "From", value: ({ from }) => from },
  { key: "to", label: "To", value: ({ from, to }) => (from === to ? `${to} (itself)` : to) },
  { key: "rate", label: "Now", value: ({ rate }) => rate, cell: ({ rate }) => Amount.byteRate(rate), isNumber: true },
  {
    key: "bytes",
    label: "Between the last joins",
    value: ({ bytes }) => bytes,
    cell: ({ bytes }) => Amount.bytes(bytes),
    isNumber: true
  }
]
