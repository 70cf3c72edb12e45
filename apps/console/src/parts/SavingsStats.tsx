/** What was saved, in figures that are looked at first. */
import type { ReactNode } from "react"
import type * as Views from "@piecework/reports/Views"
import * as Amount from "../view/Amount.ts"
import * as Grade from "../view/Grade.ts"
import { savedBytes } from "../view/Source.ts"
import { GradeMark } from "./GradeMark.tsx"
import { Columns } from "./Panel.tsx"
import { Stat } from "./Stat.tsx"

export interface Props {
  readonly of: Views.Sums & Views.Savings
  /** More of them. */
  readonly children?: ReactNode
}

export const SavingsStats = ({ children, of }: Props) => (
  <Columns least="13rem">
    <Stat
      label="Saved in 28 days"
      value={Amount.percent(of.BWOptPercent28Days)}
      mark={<GradeMark grade={Grade.ofWindow(of.BWOptPercent28Days, of)} />}
      about={`${Amount.bytes(savedBytes(of))} of ${Amount.bytes(of.BytesFetched)} came not from the origin, in the time shown.`}
    />
    <Stat
      label="Saved in 7 days"
      value={Amount.percent(of.BWOptPercent7Days)}
      mark={<GradeMark grade={Grade.ofWindow(of.BWOptPercent7Days, of)} />}
      about={`${Amount.count(of.TotalTransfers, "download")} in the time shown, ${Amount.count(of.ErrorCount, "error")}.`}
    />
    {children}
  </Columns>
)
