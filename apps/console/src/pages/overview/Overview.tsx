/** What the organisation saved, what moves now, and from where its devices had their bytes. */
import { Table, Text } from "@mantine/core"
import type * as Views from "@piecework/reports/Views"
import * as Reports from "../../calls/Reports.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { DaysChart } from "../../parts/charts/DaysChart.tsx"
import { BySource } from "../../parts/BySource.tsx"
import classes from "../../parts/Rows.module.css"
import { SavingsStats } from "../../parts/SavingsStats.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Columns, Panel } from "../../parts/Panel.tsx"
import { SourceBar } from "../../parts/SourceBar.tsx"
import { SpanSwitch, useSpan } from "../../parts/SpanSwitch.tsx"
import { Stat } from "../../parts/Stat.tsx"
import { useSession } from "../../session/useSession.ts"
import * as Amount from "../../view/Amount.ts"
import * as Grade from "../../view/Grade.ts"
import { ByMode, Peering } from "../../parts/Peering.tsx"
import { FirstSteps } from "./FirstSteps.tsx"
import { Live } from "./Live.tsx"
import { Now } from "./Now.tsx"

export const Page = () => {
  const span = useSpan()
  const summary = useAsk(Reports.summary(span), "slow")
  const isEmpty = summary.data?.DeviceCount === 0 && span === 28 && !summary.isPlaceholderData
  return (
    <Within
      title="Overview"
      about={summary.data === undefined || isEmpty ? undefined : dates(summary.data)}
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
  const hasSwarms = useSession().areas.includes("Swarms")
  return (
    <>
      <SavingsStats of={of}>
        <Stat
          label="Devices"
          value={Amount.number(of.DeviceCount)}
          about={`${Amount.number(of.DevicesPeeringOn)} with peers on, ${Amount.number(of.DevicesPeeringOff)} off`}
        />
        {hasSwarms ? <Now /> : null}
      </SavingsStats>
      {hasSwarms ? <Live /> : null}
      <Panel title="Bytes by day and source" about="What devices fetched. What came from the origin crossed your line.">
        <DaysChart of={of.ByDay} />
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

/** Rows of a panel; the others are on the page of savings. */
const mostTypes = 7

const ByType = ({ of }: { readonly of: Views.Summary }) => (
  <Panel title="By type of content" about="Who asked for the files, and what was saved of them.">
    <Table verticalSpacing={6} aria-label="Savings by type of content" className={classes["rows"] ?? ""}>
      <Table.Tbody>
        {of.ByType.slice(0, mostTypes).map((row) => (
          <Table.Tr key={row.ContentType}>
            <Table.Th scope="row">{row.ContentType === "" ? "nobody said" : row.ContentType}</Table.Th>
            <Table.Td w="30%">
              <SourceBar of={row} size="sm" />
            </Table.Td>
            <Table.Td>{Amount.bytes(row.BytesFetched)}</Table.Td>
            <Table.Td w="5rem">{Amount.percent(Grade.savedPercent(row))}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Panel>
)
