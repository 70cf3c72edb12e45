/** One device: what it fetched and saved, in which modes and why, and what it reported. */
import { Anchor } from "@mantine/core"
import type * as Views from "@piecework/reports/Views"
import { Link } from "wouter"
import * as Reports from "../../calls/Reports.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { BySource } from "../../parts/BySource.tsx"
import { DaysChart } from "../../parts/charts/DaysChart.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Facts } from "../../parts/Facts.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Columns, Panel } from "../../parts/Panel.tsx"
import { Peering } from "../../parts/Peering.tsx"
import { SavingsStats } from "../../parts/SavingsStats.tsx"
import { SpanSwitch, useSpan } from "../../parts/SpanSwitch.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import { Tag } from "../../parts/Tag.tsx"
import * as Amount from "../../view/Amount.ts"
import { short } from "../../view/FileName.ts"
import { sentenceOf } from "../../view/ModeReason.ts"
import { modeName } from "../../view/Peering.ts"
import { type Line, lines, type ModeLine, modes } from "./Events.ts"

export const Page = ({ params }: { readonly params: Readonly<Record<string, string>> }) => {
  const of: Reports.DeviceName = { name: params["name"] ?? "", isEnrolled: params["kind"] === "enrolled" }
  const span = useSpan()
  const row = useAsk(Reports.device(span, of), "slow")
  return (
    <Within
      title={`Device ${short(of.name, 20)}`}
      about={
        <Anchor component={Link} href="/savings/device" size="sm">
          All devices
        </Anchor>
      }
      actions={<SpanSwitch />}
    >
      <Answered of={row} label="Asking for the device">
        {(found) =>
          found === null ? (
            <Empty title={`Nothing was heard of this device in the last ${span} days`}>
              It reports what it downloads, within a minute of its end; reports of downloads begin when it first has
              one.
            </Empty>
          ) : (
            <Known of={of} row={found} />
          )
        }
      </Answered>
    </Within>
  )
}

const Known = ({ of, row }: { readonly of: Reports.DeviceName; readonly row: Views.DeviceRow }) => {
  const one = useAsk(Reports.one(useSpan(), "Device", of), "slow")
  const events = useAsk(Reports.deviceEvents(of))
  return (
    <>
      <SavingsStats of={row} />
      <Columns least="22rem">
        <Panel title="The device">
          <Facts of={factsOf(row)} />
        </Panel>
        <Panel title="Modes and why" about="Of the downloads among its latest 500 events.">
          <Answered of={events} label="Asking for its events">
            {(all) => (
              <DataTable
                label="Modes of this device"
                rows={modes(all)}
                columns={modeColumns}
                keyOf={({ key }) => key}
                empty={<Empty title="No download of it has ended yet" />}
              />
            )}
          </Answered>
        </Panel>
      </Columns>
      <Panel title="Bytes by day and source">
        <Answered of={one} label="Asking for its days">
          {({ ByDay }) => <DaysChart of={ByDay} height={220} />}
        </Answered>
      </Panel>
      <Columns least="22rem">
        <BySource of={row} />
        <Peering of={row} />
      </Columns>
      <Panel title="Events" about="What it reported last, 500 at most; all of them are among the exports.">
        <Answered of={events} label="Asking for its events">
          {(all) => (
            <DataTable
              label="Events of this device"
              rows={lines(all)}
              columns={eventColumns}
              keyOf={({ key }) => key}
              order={{ key: "at", isDescending: true }}
              search="Search events"
              empty={
                <Empty title="Its events are not kept any more">Sums of them are kept longer than they are.</Empty>
              }
            />
          )}
        </Answered>
      </Panel>
    </>
  )
}

const factsOf = (row: Views.DeviceRow): ReadonlyArray<readonly [string, string]> =>
  [
    ["Id", row.GlobalDeviceId],
    ["Identity", row.IsEnrolled ? "enrolled: it proved who it is" : "what it says of itself; nobody proved it"],
    ["Last seen", Amount.moment(Date.parse(row.LastCensusSeenTime))],
    ["Latest mode", modeName(row.DownloadMode)],
    ["Why", sentenceOf(row.DownloadModeReason)],
    ["Peers", { On: "on", Off: "off", Unknown: "not known" }[row.PeeringStatus]],
    ["Group", row.GroupID],
    ["Place", [row.City, row.Country].filter(Boolean).join(", ")],
    ["Provider", row.ISP],
    ["System", row.OSVersion],
    ["Client", row.ClientVersion]
  ].flatMap(([name = "", value = ""]) => (value === "" ? [] : [[name, value] as const]))

const modeColumns: ReadonlyArray<Column<ModeLine>> = [
  { key: "mode", label: "Mode", value: ({ mode }) => modeName(mode) },
  { key: "why", label: "Why", value: ({ reason }) => sentenceOf(reason) },
  { key: "downloads", label: "Downloads", isNumber: true, value: ({ downloads }) => downloads },
  {
    key: "saved",
    label: "Saved",
    isNumber: true,
    value: ({ fetched, saved }) => Amount.share(saved, fetched),
    cell: ({ fetched, saved }) => Amount.percent(Amount.share(saved, fetched))
  }
]

const eventColumns: ReadonlyArray<Column<Line>> = [
  {
    key: "at",
    label: "When",
    isNumber: false,
    value: ({ at }) => at,
    cell: ({ at }) => <time dateTime={new Date(at).toISOString()}>{Amount.moment(at)}</time>
  },
  { key: "word", label: "What", value: ({ word }) => word, cell: ({ tone, word }) => <Tag tone={tone}>{word}</Tag> },
  { key: "file", label: "File", value: ({ file }) => file },
  { key: "detail", label: "How", value: ({ detail }) => detail }
]
