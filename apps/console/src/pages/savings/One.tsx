/** One content, group, site or place: what was fetched of it or there, day by day. */
import { Anchor } from "@mantine/core"
import type * as Views from "@piecework/reports/Views"
import { Link } from "wouter"
import * as Reports from "../../calls/Reports.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { DaysChart } from "../../parts/charts/DaysChart.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Columns, Panel } from "../../parts/Panel.tsx"
import { Peering } from "../../parts/Peering.tsx"
import { SavingsStats } from "../../parts/SavingsStats.tsx"
import { SpanSwitch, useSpan } from "../../parts/SpanSwitch.tsx"
import { Stat } from "../../parts/Stat.tsx"
import { BySource } from "../../parts/BySource.tsx"
import * as Amount from "../../view/Amount.ts"
import { fileName } from "../../view/FileName.ts"
import { type Kind, kindOf } from "./Kind.ts"

export const Page = ({ params }: { readonly params: Readonly<Record<string, string>> }) => {
  const kind = kindOf(params["by"])
  const name = params["*"] ?? ""
  return kind === undefined || kind.by === "Type" || kind.by === "Device" ? (
    <Within title="Savings">
      <Empty title="There is no such view">
        <Anchor component={Link} href="/savings">
          All savings
        </Anchor>
      </Empty>
    </Within>
  ) : (
    <OfOne kind={kind} by={kind.by} name={name} />
  )
}

const OfOne = ({ by, kind, name }: { readonly kind: Kind; readonly by: Views.By; readonly name: string }) => {
  const span = useSpan()
  const found = useAsk(Reports.one(span, by, { name, isEnrolled: true }), "slow")
  const contents = useAsk(Reports.contents(span), "slow", by === "Content")
  const content = contents.data?.find(({ ContentId }) => ContentId === name)
  return (
    <Within
      title={content === undefined ? name : fileName(content.SourceURL, name)}
      about={
        <>
          <Anchor component={Link} href={`/savings/${kind.key}`} size="sm">
            {kind.label}
          </Anchor>
          {content === undefined ? null : ` · ${content.SourceURL} · ${Amount.bytes(content.FileSize)} · ${name}`}
        </>
      }
      actions={<SpanSwitch />}
    >
      <Answered of={found} label="Asking for the figures">
        {(of) =>
          of.DeviceCount === 0 && of.BytesFetched === 0 ? (
            <Empty title="Nothing was reported of it in this time">Events older than 28 days are in no report.</Empty>
          ) : (
            <>
              <SavingsStats of={of}>
                <Stat label="Devices" value={Amount.number(of.DeviceCount)} about="with a download in the time shown" />
              </SavingsStats>
              <Panel title="Bytes by day and source">
                <DaysChart of={of.ByDay} />
              </Panel>
              <Columns least="22rem">
                <BySource of={of} />
                <Peering of={of} />
              </Columns>
            </>
          )
        }
      </Answered>
    </Within>
  )
}
