/** Cache nodes: all of them, how they are, and what they spared the line. */
import { Anchor, Button, TagsInput, Text, TextInput } from "@mantine/core"
import { NodeSettings } from "@piecework/cloud/CacheNode"
import type { NodeRecord } from "@piecework/cloud/CacheNodeAdminRpcs"
import { IconPlus, IconServer2 } from "@tabler/icons-react"
import { Option, Schema } from "effect"
import { useState } from "react"
import { Link, useLocation } from "wouter"
import * as Calls from "../../calls/Nodes.ts"
import { useAct } from "../../calls/useAct.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { FormDialog } from "../../parts/FormDialog.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Columns, Panel } from "../../parts/Panel.tsx"
import { Stat } from "../../parts/Stat.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import { Tag } from "../../parts/Tag.tsx"
import { useMay } from "../../session/useMay.ts"
import * as Amount from "../../view/Amount.ts"
import * as Health from "./Health.ts"

export const Page = () => {
  const mayChange = useMay("Admin")
  const [isMaking, setMaking] = useState(false)
  const asked = useAsk(Calls.list)
  return (
    <Within
      title="Cache nodes"
      about="Cache servers that this service manages: it names them to the devices of their networks."
      actions={
        mayChange ? (
          <Button leftSection={<IconPlus size={17} aria-hidden />} onClick={() => setMaking(true)}>
            New node
          </Button>
        ) : undefined
      }
    >
      <Answered of={asked} label="Asking for the nodes">
        {({ isAll, nodes }) => (
          <>
            {nodes.length === 0 ? null : <Totals />}
            <Panel title="Nodes" about={isAll ? undefined : `The first ${Calls.mostShown}.`}>
              <DataTable
                label="Cache nodes"
                rows={nodes}
                columns={columns}
                keyOf={({ id }) => id}
                order={{ key: "name", isDescending: false }}
                search="Search nodes"
                empty={
                  <Empty title="There are no cache nodes" icon={<IconServer2 size={36} stroke={1.4} aria-hidden />}>
                    {mayChange
                      ? "Make one here, and deploy it on a machine of the site that it is for."
                      : "Somebody with the scope admin can make one."}
                  </Empty>
                }
              />
            </Panel>
          </>
        )}
      </Answered>
      {mayChange ? <Making isOpen={isMaking} onClose={() => setMaking(false)} /> : null}
    </Within>
  )
}

const Totals = () => {
  const { data } = useAsk(Calls.overview)
  if (data === undefined) return null
  return (
    <Columns least="13rem">
      <Stat
        label="Healthy"
        value={Amount.number(data.healthy)}
        about={`${Amount.number(data.unhealthy)} unhealthy, ${Amount.number(data.disabled)} switched off`}
      />
      <Stat
        label="Served in 24 hours"
        value={Amount.bytes(data.served)}
        about={
          data.served === 0
            ? "Nothing was asked of them."
            : `${Amount.percent(data.cacheEfficiency)} from what they held`
        }
      />
      <Stat
        label="Sent to devices"
        value={Amount.bitRate(data.averageOutboundbps)}
        about={`on average; ${Amount.bitRate(data.maxOutboundbps)} in the best minute`}
      />
      <Stat
        label="Fetched from origins"
        value={Amount.bitRate(data.averageInboundbps)}
        about={`on average; ${Amount.bitRate(data.maxInboundbps)} in the best minute`}
      />
    </Columns>
  )
}

const columns: ReadonlyArray<Column<NodeRecord>> = [
  {
    key: "name",
    label: "Node",
    value: ({ id, settings }) => `${settings.name} ${id}`,
    cell: ({ id, lastHeartbeat, settings }) => (
      <>
        <Anchor component={Link} href={`/nodes/${id}`} size="sm" fw={600}>
          {settings.name}
        </Anchor>
        <Text size="xs" c="dimmed">
          {lastHeartbeat === null ? id : `${lastHeartbeat.hostName}, version ${lastHeartbeat.version}`}
        </Text>
      </>
    )
  },
  {
    key: "health",
    label: "Health",
    value: (row) => Health.of(row).word,
    cell: (row) => {
      const { tone, word } = Health.of(row)
      return <Tag tone={tone}>{word}</Tag>
    }
  },
  {
    key: "drives",
    label: "Drives",
    value: ({ lastHeartbeat }) => (lastHeartbeat?.drives ?? []).reduce((sum, { used }) => sum + used, 0),
    cell: ({ lastHeartbeat }) => {
      const drives = lastHeartbeat?.drives ?? []
      const [used, size] = [
        drives.reduce((sum, one) => sum + one.used, 0),
        drives.reduce((sum, one) => sum + one.size, 0)
      ]
      return drives.length === 0 ? "–" : `${Amount.bytes(used)} of ${Amount.bytes(size)}`
    },
    isNumber: true
  },
  { key: "ranges", label: "Networks", value: ({ settings }) => settings.ranges.join(", ") || "its own" },
  {
    key: "seen",
    label: "Heartbeat",
    value: ({ lastHeartbeat }) => lastHeartbeat?.at ?? 0,
    cell: ({ lastHeartbeat }) => (lastHeartbeat === null ? "never" : Amount.ago(lastHeartbeat.at, Date.now())),
    isNumber: true
  }
]

const decode = Schema.decodeUnknownOption(NodeSettings)

const Making = ({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) => {
  const [name, setName] = useState("")
  const [ranges, setRanges] = useState<Array<string>>([])
  const [wrong, setWrong] = useState<string>()
  const [, go] = useLocation()
  const close = () => {
    setName("")
    setRanges([])
    setWrong(undefined)
    act.reset()
    onClose()
  }
  const act = useAct(Calls.create, {
    changes: ["nodes"],
    onDone: ({ id }) => {
      close()
      go(`/nodes/${id}`)
    }
  })
  const send = () =>
    Option.match(decode({ name: name.trim(), isEnabled: true, ranges, servers: [] }), {
      onNone: () =>
        setWrong("A name has up to 64 characters, and a network looks like 203.0.113.0/24, with no bits beyond it."),
      onSome: (settings) => act.mutate(settings)
    })
  return (
    <FormDialog title="New cache node" word="Make it" isOpen={isOpen} act={act} onClose={close} onSend={send}>
      <TextInput
        label="Name"
        description="Of the place that it is for."
        required
        maxLength={64}
        data-autofocus
        value={name}
        error={wrong}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TagsInput
        mt="md"
        label="Networks of its devices"
        description="As the service sees them, like 203.0.113.0/24; none: the network that its heartbeats come from."
        value={ranges}
        maxTags={128}
        onChange={setRanges}
      />
    </FormDialog>
  )
}
