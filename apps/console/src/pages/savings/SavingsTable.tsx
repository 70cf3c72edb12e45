/** Savings in a table: what each fetched, from where, and what that saved. */
import { Anchor, Text } from "@mantine/core"
import type { ReactNode } from "react"
import { Link } from "wouter"
import { GradeMark } from "../../parts/GradeMark.tsx"
import { SourceBar } from "../../parts/SourceBar.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import * as Amount from "../../view/Amount.ts"
import * as Grade from "../../view/Grade.ts"
import { modeName } from "../../view/Peering.ts"
import type { Kind } from "./Kind.ts"
import type { Row } from "./Row.ts"
import classes from "./SavingsTable.module.css"

export interface Props {
  readonly kind: Kind
  readonly rows: ReadonlyArray<Row>
  readonly empty: ReactNode
  /** Whether the table itself is searched; longer lists are by the service. */
  readonly isSearched?: boolean
}

export const SavingsTable = ({ empty, isSearched = true, kind, rows }: Props) => (
  <DataTable
    label={`Savings by ${kind.noun}`}
    rows={rows}
    columns={kind.by === "Device" ? [name(kind), ...ofDevices, ...amounts] : [name(kind), devices, ...amounts]}
    keyOf={({ key }) => key}
    order={{ key: "fetched", isDescending: true }}
    empty={empty}
    {...(isSearched ? { search: `Search ${kind.label.toLowerCase()}` } : {})}
  />
)

const name = (kind: Kind): Column<Row> => ({
  key: "name",
  label: kind.noun.charAt(0).toUpperCase() + kind.noun.slice(1),
  value: (row) => `${row.name} ${row.about} ${row.device?.GlobalDeviceId ?? ""}`.trim(),
  cell: (row) => (
    <div className={classes["name"]}>
      {row.path === undefined ? (
        row.name
      ) : (
        <Anchor component={Link} href={row.path} size="sm" fw={500}>
          {row.name}
        </Anchor>
      )}
      {row.about === "" ? null : (
        <Text size="xs" c="dimmed" title={row.about} className={classes["about"] ?? ""}>
          {row.about}
        </Text>
      )}
    </div>
  )
})

const devices: Column<Row> = {
  key: "devices",
  label: "Devices",
  isNumber: true,
  value: (row) => row.devices ?? 0,
  cell: (row) => Amount.number(row.devices ?? 0)
}

const ofDevices: ReadonlyArray<Column<Row>> = [
  {
    key: "mode",
    label: "Mode",
    value: ({ device }) => modeName(device?.DownloadMode),
    cell: ({ device }) => modeName(device?.DownloadMode)
  },
  {
    key: "seen",
    label: "Last seen",
    value: ({ device }) => device?.LastCensusSeenTime ?? "",
    cell: ({ device }) =>
      device === undefined ? (
        ""
      ) : (
        <time dateTime={device.LastCensusSeenTime}>{Amount.moment(Date.parse(device.LastCensusSeenTime))}</time>
      )
  }
]

const amounts: ReadonlyArray<Column<Row>> = [
  {
    key: "fetched",
    label: "Fetched",
    isNumber: true,
    value: ({ sums }) => sums.BytesFetched,
    cell: ({ sums }) => Amount.bytes(sums.BytesFetched)
  },
  {
    key: "origin",
    label: "From the origin",
    isNumber: true,
    value: ({ sums }) => sums.BytesFromCDN,
    cell: ({ sums }) => Amount.bytes(sums.BytesFromCDN)
  },
  {
    key: "sources",
    label: "Sources",
    value: ({ sums }) => Grade.savedPercent(sums),
    cell: ({ sums }) => (
      <div className={classes["bar"]}>
        <SourceBar of={sums} size="sm" />
      </div>
    )
  },
  {
    key: "saved",
    label: "Saved",
    isNumber: true,
    value: ({ sums }) => Grade.savedPercent(sums),
    cell: ({ savings, sums }) => (
      <span className={classes["saved"]}>
        <GradeMark grade={savings.Efficiency} /> {Amount.percent(Grade.savedPercent(sums))}
      </span>
    )
  }
]
