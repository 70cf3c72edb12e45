/** Savings by content, by type, by device, by group and by place. */
import type { Span } from "@piecework/reports/Days"
import type * as Views from "@piecework/reports/Views"
import * as Reports from "../../calls/Reports.ts"
import { type Question, useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { SpanSwitch, useSpan } from "../../parts/SpanSwitch.tsx"
import { Surface } from "../../parts/Surface.tsx"
import { Tabs } from "../../parts/Tabs.tsx"
import { Devices } from "./Devices.tsx"
import { type Kind, kindOf, kinds } from "./Kind.ts"
import { ofContent, ofGroup, ofType, type Row } from "./Row.ts"
import { SavingsTable } from "./SavingsTable.tsx"

export const Page = ({ params }: { readonly params: Readonly<Record<string, string>> }) => {
  const kind = kindOf(params["by"])
  return (
    <Within title="Savings" about={kind?.about ?? "There is no such view."} actions={<SpanSwitch />}>
      <Tabs
        label="Savings by"
        of={kinds.map((one) => ({
          path: `/savings/${one.key}`,
          label: one.label,
          isOpen: one === kind
        }))}
      />
      {kind === undefined ? null : isListed(kind) ? <List key={kind.key} kind={kind} /> : <Devices kind={kind} />}
    </Within>
  )
}

/** All but devices, of which there may be too many for one answer. */
type Listed = Kind & { readonly by: Exclude<Kind["by"], "Device"> }

const isListed = (kind: Kind): kind is Listed => kind.by !== "Device"

const List = ({ kind }: { readonly kind: Listed }) => {
  const rows = useAsk(questionOf(kind, useSpan()), "slow")
  return (
    <Answered of={rows} label={`Asking for savings by ${kind.noun}`}>
      {(all) => (
        <Surface>
          <SavingsTable kind={kind} rows={all} empty={<Nothing kind={kind} />} />
        </Surface>
      )}
    </Answered>
  )
}

const places = new Set<Views.By | "Type">(["City", "Country", "Isp"])

const Nothing = ({ kind }: { readonly kind: Kind }) => (
  <Empty title="Nothing in this time">
    {places.has(kind.by)
      ? "The service learns which network is where from the file that it is started with: piecework-service --places FILE."
      : "Devices report what they downloaded within a minute of its end, once they know this service."}
  </Empty>
)

const questionOf = (kind: Listed, span: Span): Question<ReadonlyArray<Row>> => {
  switch (kind.by) {
    case "Content":
      return mapped(Reports.contents(span), (rows) => rows.map(ofContent(kind)))
    case "Type":
      return mapped(Reports.summary(span), ({ ByType }) => ByType.map(ofType))
    default:
      return mapped(Reports.groups(span, kind.by), (rows) => rows.map(ofGroup(kind)))
  }
}

/** The rows of an answer, under a name of their own. */
const mapped = <A,>(
  { ask, key }: Question<A>,
  rowsOf: (answer: A) => ReadonlyArray<Row>
): Question<ReadonlyArray<Row>> => ({
  key: ["rows", ...key],
  ask: async (signal) => rowsOf(await ask(signal))
})
