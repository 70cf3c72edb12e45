/** What was saved, in figures that are looked at first; each says of which time it is. */
import type { ReactNode } from "react"
import type { Span } from "@piecework/reports/Days"
import type * as Views from "@piecework/reports/Views"
import * as Amount from "../view/Amount.ts"
import * as Grade from "../view/Grade.ts"
import { savedBytes } from "../view/Source.ts"
import { GradeMark } from "./GradeMark.tsx"
import { Columns } from "./Panel.tsx"
import { useSpan } from "./SpanSwitch.tsx"
import { Stat } from "./Stat.tsx"

export interface Props {
  /** Its sums are those of the time that is shown. */
  readonly of: Views.Sums & Views.Savings
  /** More of them. */
  readonly children?: ReactNode
}

export const SavingsStats = ({ children, of }: Props) => {
  const shown = useSpan()
  const percents: Readonly<Record<Span, number>> = { 7: of.BWOptPercent7Days, 28: of.BWOptPercent28Days }
  return (
    <Columns least="13rem">
      {([28, 7] as const).map((days) => (
        <Stat
          key={days}
          label={`Saved in ${days} days`}
          value={Amount.percent(percents[days])}
          mark={<GradeMark grade={Grade.ofWindow(percents[days], of)} />}
          about={days === shown ? sums(of) : Grade.beside(percents[days], percents[shown], shown)}
        />
      ))}
      {children}
    </Columns>
  )
}

const sums = (of: Views.Sums): string =>
  `${Amount.bytes(savedBytes(of))} of ${Amount.bytes(of.BytesFetched)} did not come from the origin: ${Amount.count(of.TotalTransfers, "download")}, ${Amount.count(of.ErrorCount, "error")}.`
