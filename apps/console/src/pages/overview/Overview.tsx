/** What the organisation saved, what moves now, and from where its devices had their bytes. */
import { Table, Text } from "@mantine/core"
import type * as Views from "@piecework/reports/Views"
import * as Reports from "../../calls/Reports.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { DaysChart } from "../../parts/charts/DaysChart.tsx"
import { GradeMark } from "../../parts/GradeMark.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Columns, Panel } from "../../parts/Panel.tsx"
import { SourceBar } from "../../parts/SourceBar.tsx"
import { SpanSwitch, useSpan } from "../../parts/SpanSwitch.tsx"
import { Stat } from "../../parts/Stat.tsx"
import * as Amount from "../../view/Amount.ts"
import * as Grade from "../../view/Grade.ts"
import { sources } from "../../view/Source.ts"
import { ByMode, Peering } from "../../parts/Peering.tsx"
import { FirstSteps } from "./FirstSteps.tsx"
import { Now } from "./Now.tsx"

export const Page = () => {
  const span = useSpan()
  const summary = useAsk(Reports.summary(span), "slow")
  const isEmpty = summary.data?.DeviceCount === 0 && span === 28
  return (
    <Within
      title="Overview"
      about={summary.data === undefined ? undefined : dates(summary.data)}
      actions={isEmpty ? undefined : <SpanSwitch />}
    >
      <Answered of={summary} label="Asking for the figures">
        {(of) => (isEmpty ? <FirstSteps /> : <Figures of={of} />)}
      </Answered>
    </Within>
  )
}

const dates = ({ From, To }: Views.Summary): string => `${Amount.day(From)} to ${Amount.day(To)}, days of UTC`

const Figures = ({ of }: { readonly of: Views.Summary }) => {
  const saved = of.BytesFromPeers + of.BytesFromCache
  return (
    <>
      <Columns least="15rem">
        <Stat
          label="Saved in 28 days"
          value={Amount.percent(of.BWOptPercent28Days)}
          mark={<GradeMark grade={Grade.of(of.BWOptPercent28Days, of.BytesFetched)} />}
          about={`${Amount.bytes(saved)} of ${Amount.bytes(of.BytesFetched)} came not from the origin in the time shown.`}
        />
        <Stat
          label="Saved in 7 days"
          value={Amount.percent(of.BWOptPercent7Days)}
          mark={<GradeMark grade={Grade.of(of.BWOptPercent7Days, of.BytesFetched)} />}
          about={`${Amount.count(of.TotalTransfers, "download")} in the time shown, ${Amount.number(of.ErrorCount)} with errors.`}
        />
        <Stat
          label="Devices"
          value={Amount.number(of.DeviceCount)}
          about={`${Amount.number(of.DevicesPeeringOn)} with peers on, ${Amount.number(of.DevicesPeeringOff)} off`}
        />
        <Now />
      </Columns>
      <Panel title="Bytes by day and source" about="What devices fetched. The origin is what your line was paid for.">
        <DaysChart days={of.ByDay} />
      </Panel>
      <Columns least="22rem">
        <BySource of={of} />
        <Peering of={of} />
        <ByType of={of} />
        <ByMode modes={of.ByMode} />
      </Columns>
      {of.EventsLost === 0 ? null : (
        <Text size="sm" c="dimmed">
          {Amount.count(of.EventsLost, "event")} were lost on devices, and are in no sum.
        </Text>
      )}
    </>
  )
}

const BySource = ({ of }: { readonly of: Views.Summary }) => (
  <Panel
    title="Where bytes came from"
    about={`${Amount.bytes(of.BytesFetched)} fetched, of which ${Amount.bytes(of.BytesWasted)} wasted`}
  >
    <SourceBar of={of} />
    <Table mt="sm" verticalSpacing={6} aria-label="Bytes by source">
      <Table.Tbody>
        {sources.map(({ color, field, label }) => (
          <Table.Tr key={field}>
            <Table.Th scope="row" fw={400}>
              <span aria-hidden style={{ color }}>
                ■
              </span>{" "}
              {label}
            </Table.Th>
            <Table.Td ta="right">{Amount.bytes(of[field])}</Table.Td>
            <Table.Td ta="right" w="6rem">
              {Amount.percent(Amount.share(of[field], of.BytesFetched))}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Panel>
)

/** Rows of a panel; the others are on the page of savings. */
const mostTypes = 7

const ByType = ({ of }: { readonly of: Views.Summary }) => (
  <Panel title="By type of content" about="Who asked for the files.">
    <Table verticalSpacing={6} aria-label="Savings by type of content">
      <Table.Tbody>
        {of.ByType.slice(0, mostTypes).map((row) => (
          <Table.Tr key={row.ContentType}>
            <Table.Th scope="row" fw={400}>
              {row.ContentType === "" ? "nobody said" : row.ContentType}
            </Table.Th>
            <Table.Td w="35%">
              <SourceBar of={row} size="sm" />
            </Table.Td>
            <Table.Td ta="right">{Amount.bytes(row.BytesFetched)}</Table.Td>
            <Table.Td ta="right" w="6rem">
              {Amount.percent(Grade.savedPercent(row))} saved
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Panel>
)
