/** One cache node: how it is, what it served by minute, what an operator says of it, and how its machine becomes it. */
import { Alert, Anchor, Button, Group, SegmentedControl, Text } from "@mantine/core"
import { NodeChange, NodeId } from "@piecework/cloud/CacheNode"
import type { NodeRecord } from "@piecework/cloud/CacheNodeAdminRpcs"
import { IconAlertTriangle } from "@tabler/icons-react"
import { Option, Redacted, Schema } from "effect"
import { useState } from "react"
import { Link, useLocation } from "wouter"
import * as Calls from "../../calls/Nodes.ts"
import { useAct } from "../../calls/useAct.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Confirm, Refused } from "../../parts/Confirm.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Facts } from "../../parts/Facts.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Columns, Panel } from "../../parts/Panel.tsx"
import { Secret } from "../../parts/Secret.tsx"
import { Tag } from "../../parts/Tag.tsx"
import { useMay } from "../../session/useMay.ts"
import * as Amount from "../../view/Amount.ts"
import * as Grain from "../../view/Grain.ts"
import { NodeChart } from "./NodeChart.tsx"
import * as Health from "./Health.ts"

const decodeId = Schema.decodeUnknownOption(NodeId)

export const Page = ({ params }: { readonly params: Readonly<Record<string, string>> }) => {
  const id = Option.getOrUndefined(decodeId(params["node"]))
  return id === undefined ? (
    <Within title="No such node">
      <Empty title="This address names no cache node" />
    </Within>
  ) : (
    <Node id={id} />
  )
}

const Node = ({ id }: { readonly id: NodeId }) => {
  const asked = useAsk(Calls.one(id))
  const mayChange = useMay("Admin")
  const { data } = asked
  return (
    <Within
      title={data?.settings.name ?? "Cache node"}
      about={
        <>
          <Anchor component={Link} href="/nodes" size="sm" underline="always">
            Cache nodes
          </Anchor>{" "}
          / {id}
        </>
      }
      actions={data === undefined || !mayChange ? undefined : <Changes of={data} />}
    >
      <Answered of={asked} label="Asking for the node">
        {(record) => (
          <>
            <Issues of={record} />
            <Figures id={id} />
            <Columns least="22rem">
              <State of={record} />
              <Settings of={record} />
            </Columns>
          </>
        )}
      </Answered>
    </Within>
  )
}

const Issues = ({ of }: { readonly of: NodeRecord }) => {
  const { advice } = Health.of(of)
  const issues = of.lastHeartbeat?.issues ?? []
  return advice === undefined && issues.length === 0 ? null : (
    <Alert
      variant="light"
      color="yellow"
      icon={<IconAlertTriangle size={20} aria-hidden />}
      title={advice ?? "It says that something is not as it should be"}
    >
      {issues.length === 0
        ? null
        : issues.map(({ code, text }) => (
            <Text key={code} size="sm">
              {text} ({code})
            </Text>
          ))}
    </Alert>
  )
}

const Figures = ({ id }: { readonly id: NodeId }) => {
  const [hours, setHours] = useState("1")
  const asked = useAsk(Calls.figures(id, Number(hours)))
  return (
    <Panel
      title="What it sends to devices"
      about={`By ${Grain.of(Number(hours)).toLowerCase()}: what it held already, and what it had to fetch for the request.`}
      actions={
        <SegmentedControl
          aria-label="Time"
          size="xs"
          value={hours}
          onChange={setHours}
          data={[
            { value: "1", label: "1 hour" },
            { value: "24", label: "24 hours" },
            { value: "168", label: "7 days" }
          ]}
        />
      }
    >
      <Answered of={asked} label="Asking for its figures">
        {(rows) =>
          rows.length === 0 ? (
            <Empty title="No figures of this time">A node tells them with its heartbeats, when a minute is over.</Empty>
          ) : (
            <NodeChart rows={rows} hours={Number(hours)} />
          )
        }
      </Answered>
    </Panel>
  )
}

const State = ({ of }: { readonly of: NodeRecord }) => {
  const { tone, word } = Health.of(of)
  const last = of.lastHeartbeat
  return (
    <Panel title="State">
      <Facts
        of={[
          [
            "Health",
            <Tag key="health" tone={tone}>
              {word}
            </Tag>
          ],
          ...(last === null
            ? []
            : ([
                ["Heartbeat", `${Amount.ago(last.at, Date.now())}, from ${last.externalIp}`],
                ["Machine", `${last.hostName}, version ${last.version}`],
                ["It says", last.state.toLowerCase()],
                ["Serves at", doors(last)],
                ["TLS", last.tls.state === "Off" ? "off" : tls(last.tls)],
                ...last.drives.map(
                  ({ isWorking, path, size, used }) =>
                    [
                      `Drive ${path}`,
                      `${Amount.bytes(used)} of ${Amount.bytes(size)}${isWorking ? "" : "; it does not work"}`
                    ] as const
                )
              ] as const)),
          ["Made", Amount.moment(of.createdAt)]
        ]}
      />
    </Panel>
  )
}

const doors = ({ addresses, httpPort, httpsPort }: NonNullable<NodeRecord["lastHeartbeat"]>): string => {
  const ports = [
    httpPort === undefined ? [] : `HTTP ${httpPort}`,
    httpsPort === undefined ? [] : `HTTPS ${httpsPort}`
  ].flat()
  return `${addresses.join(", ") || "no address"} (${ports.join(", ") || "no port"})`
}

const tls = ({ expiresAt, name, state }: NonNullable<NodeRecord["lastHeartbeat"]>["tls"]): string =>
  [
    state.toLowerCase(),
    name === undefined ? [] : `for ${name}`,
    expiresAt === undefined ? [] : `until ${Amount.moment(expiresAt)}`
  ]
    .flat()
    .join(", ")

const Settings = ({ of: { settings } }: { readonly of: NodeRecord }) => (
  <Panel
    title="Settings"
    about="What is not said here, the node's own files say; piecework-service node changes all of it."
  >
    <Facts
      of={[
        ["Switched", settings.isEnabled ? "on" : "off"],
        ["Networks", settings.ranges.join(", ") || "the one that its heartbeats come from"],
        [
          "Named as",
          settings.servers.map(({ host, port }) => `${host}:${port}`).join(", ") || "where it says that it serves"
        ],
        ["Origins", settings.origins?.join(", ") ?? "as its files say"],
        ["Parents", settings.parents?.map(({ host, port }) => `${host}:${port}`).join(", ") ?? "as its files say"],
        ["Sends at most", settings.maxOutBps === undefined ? "as its files say" : Amount.byteRate(settings.maxOutBps)],
        ["Versions", settings.updateRing?.ring ?? "as its files say"]
      ]}
    />
  </Panel>
)

const Changes = ({ of }: { readonly of: NodeRecord }) => {
  const [asked, ask] = useState<"switch" | "delete">()
  const [command, setCommand] = useState<string>()
  const [, go] = useLocation()
  const close = () => ask(undefined)
  const { isEnabled, name } = of.settings
  const switching = useAct(Calls.update, { changes: ["nodes"], onDone: close })
  const removing = useAct(Calls.remove, { changes: ["nodes"], onDone: () => go("/nodes") })
  const deploying = useAct(Calls.deploy, {
    changes: ["nodes", "trust"],
    onDone: ({ serviceUrl, token }) =>
      setCommand(`piecework-cache enrol --service ${serviceUrl} ${Redacted.value(token)}`)
  })
  return (
    <>
      <Group gap="xs">
        <Button variant="default" onClick={() => ask("switch")}>
          {isEnabled ? "Switch off" : "Switch on"}
        </Button>
        <Button variant="default" onClick={() => ask("delete")}>
          Delete
        </Button>
        <Button
          {...(of.lastHeartbeat === null ? {} : { variant: "default" })}
          loading={deploying.isPending}
          onClick={() => deploying.mutate({ node: of.id, groups: [], lifetimeSeconds: 86_400 })}
        >
          Deploy
        </Button>
      </Group>
      <Refused by={deploying.error} />
      <Confirm
        title={isEnabled ? `Switch ${name} off?` : `Switch ${name} on?`}
        word={isEnabled ? "Switch off" : "Switch on"}
        isOpen={asked === "switch"}
        isDangerous={isEnabled}
        act={switching}
        onClose={close}
        onConfirm={() =>
          switching.mutate({ node: of.id, change: new NodeChange({ set: { isEnabled: !isEnabled }, reset: [] }) })
        }
      >
        {isEnabled
          ? "It is named to no device any more, and told with its next heartbeat to serve nobody. Devices go to their peers and to the origin."
          : "Devices of its networks are told of it again, and it serves from its next heartbeat on."}
      </Confirm>
      <Confirm
        title={`Delete ${name}?`}
        word="Delete"
        isOpen={asked === "delete"}
        isDangerous
        act={removing}
        onClose={close}
        onConfirm={() => removing.mutate(of.id)}
      >
        Its figures are deleted, too, and the credential of its machine is good for nothing from then on.
      </Confirm>
      <Secret title={`Deploy ${name}`} value={command} onClose={() => setCommand(undefined)}>
        Run this on the machine that is to be the node, within a day, and start its cache server. A machine that was the
        node before is it no more.
      </Secret>
    </>
  )
}
