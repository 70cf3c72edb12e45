/**
 * A chart with its name, its legend, and the same figures as a table for who cannot or does not want to look at it. What it is drawn with is
 * loaded when the first chart is shown.
 */
import { Button, Table } from "@mantine/core"
import { type ReactNode, Suspense, useState } from "react"
import { type Entry, Legend } from "../Legend.tsx"
import classes from "./Figure.module.css"

export interface Props {
  /** What is drawn, in a sentence. */
  readonly label: string
  readonly legend: ReadonlyArray<Entry>
  /** The table's head, and a row for each point with its name first. */
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  /** Pixels. */
  readonly height: number
  readonly children: ReactNode
}

export const Figure = ({ children, head, height, label, legend, rows }: Props) => {
  const [isTable, setIsTable] = useState(false)
  return (
    <figure className={classes["figure"]} aria-label={label}>
      {isTable ? (
        <div className={classes["table"]} style={{ maxHeight: height }} tabIndex={0} role="region" aria-label={label}>
          <Table stickyHeader>
            <Table.Thead>
              <Table.Tr>
                {head.map((name) => (
                  <Table.Th key={name} scope="col">
                    {name}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map(([name, ...cells]) => (
                <Table.Tr key={name}>
                  <Table.Th scope="row">{name}</Table.Th>
                  {cells.map((cell, n) => (
                    <Table.Td key={head[n + 1]}>{cell}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      ) : (
        <div style={{ height }} aria-hidden className={classes["drawn"]}>
          <Suspense fallback={null}>{children}</Suspense>
        </div>
      )}
      <figcaption className={classes["caption"]}>
        <Legend entries={legend} />
        <Button
          variant="subtle"
          color="gray"
          size="compact-xs"
          aria-pressed={isTable}
          onClick={() => setIsTable(!isTable)}
        >
          {isTable ? "Show the chart" : "Show as a table"}
        </Button>
      </figcaption>
    </figure>
  )
}
