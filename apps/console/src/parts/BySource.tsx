/** How many bytes came from each kind of source. */
import { Table } from "@mantine/core"
import type * as Views from "@piecework/reports/Views"
import * as Amount from "../view/Amount.ts"
import { sources } from "../view/Source.ts"
import { Panel } from "./Panel.tsx"
import { SourceBar } from "./SourceBar.tsx"
import classes from "./Rows.module.css"

export const BySource = ({ of }: { readonly of: Views.Sums }) => (
  <Panel
    title="Where bytes came from"
    about={`${Amount.bytes(of.BytesFetched)} fetched, of which ${Amount.bytes(of.BytesWasted)} wasted`}
  >
    <SourceBar of={of} />
    <Table mt="sm" verticalSpacing={6} aria-label="Bytes by source" className={classes["rows"] ?? ""}>
      <Table.Tbody>
        {sources.map(({ color, field, label }) => (
          <Table.Tr key={field}>
            <Table.Th scope="row">
              <span aria-hidden style={{ color }}>
                ■
              </span>{" "}
              {label}
            </Table.Th>
            <Table.Td>{Amount.bytes(of[field])}</Table.Td>
            <Table.Td w="5.5rem">{Amount.percent(Amount.share(of[field], of.BytesFetched))}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Panel>
)
