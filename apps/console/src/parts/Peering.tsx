/** Whether peers were found, and in which modes devices downloaded. */
import { Table, Text } from "@mantine/core"
import type * as Views from "@piecework/reports/Views"
import * as Amount from "../view/Amount.ts"
import { modeName, outcomes } from "../view/Peering.ts"
import { Empty } from "./Empty.tsx"
import { Panel } from "./Panel.tsx"
import classes from "./Peering.module.css"
import rows from "./Rows.module.css"
import { SourceBar } from "./SourceBar.tsx"

export const Peering = ({ of }: { readonly of: Views.Sums }) => (
  <Panel
    title="Peering"
    about={`${Amount.number(of.PeerEligibleTransfers)} of ${Amount.count(of.TotalTransfers, "download")} were in a mode with peers`}
  >
    {of.TotalTransfers === 0 ? (
      <Empty title="No download is complete yet">Those that stopped with an error are not counted here.</Empty>
    ) : of.PeerEligibleTransfers === 0 ? (
      <Empty title="No download could have had peers">
        Peers are on in the modes LAN, Group and Internet; the setting DODownloadMode chooses one.
      </Empty>
    ) : (
      <ul className={classes["list"]}>
        {outcomes(of).map(({ advice, color, count, label }) => (
          <li key={label}>
            <div className={classes["line"]}>
              <span>
                <b>{Amount.number(count)}</b> {label}
              </span>
              <span>{Amount.percent(Amount.share(count, of.PeerEligibleTransfers))}</span>
            </div>
            <div className={classes["bar"]} aria-hidden>
              <span style={{ width: `${Amount.share(count, of.PeerEligibleTransfers)}%`, background: color }} />
            </div>
            {count === 0 ? null : (
              <Text size="xs" c="dimmed">
                {advice}
              </Text>
            )}
          </li>
        ))}
      </ul>
    )}
  </Panel>
)

export const ByMode = ({ modes }: { readonly modes: ReadonlyArray<Views.ModeRow> }) => (
  <Panel title="By download mode" about="The modes in which contents were downloaded.">
    <Table verticalSpacing={6} aria-label="Bytes by download mode" className={rows["rows"] ?? ""}>
      <Table.Tbody>
        {modes.map((row) => (
          <Table.Tr key={row.ContentDownloadMode}>
            <Table.Th scope="row">{modeName(row.ContentDownloadMode)}</Table.Th>
            <Table.Td w="30%">
              <SourceBar of={row} size="sm" />
            </Table.Td>
            <Table.Td>{Amount.bytes(row.BytesFetched)}</Table.Td>
            <Table.Td>peers {row.PeeringStatus.toLowerCase()}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Panel>
)
