/**
 * Rows in columns, to be sorted by any of them, searched and paged. On a phone each row is a card, with the columns' names before their
 * values. It arranges only what it is given: lists that the service answers in pages are searched there.
 */
import { Pagination, Table, Text, TextInput, UnstyledButton } from "@mantine/core"
import { useMediaQuery } from "@mantine/hooks"
import { IconArrowDown, IconArrowUp, IconSearch, IconSelector } from "@tabler/icons-react"
import { type ReactNode, useState } from "react"
import { number } from "../../view/Amount.ts"
import classes from "./DataTable.module.css"
import { arranged, type Order, turned } from "./Rows.ts"

export interface Column<R> {
  readonly key: string
  readonly label: string
  /** What rows are sorted by, and found by. */
  readonly value: (row: R) => string | number
  /** How it is shown; default the value as text. */
  readonly cell?: (row: R) => ReactNode
  /** Numbers stand to the right, and begin with the largest. */
  readonly isNumber?: boolean
  /** Whether rows can be sorted by it; default true. */
  readonly isSortable?: boolean
  /** Heads the card on a phone; by default the first column does. */
  readonly isTitle?: boolean
}

export interface Props<R> {
  /** What the rows are, for readers of the screen. */
  readonly label: string
  readonly rows: ReadonlyArray<R>
  readonly columns: ReadonlyArray<Column<R>>
  readonly keyOf: (row: R) => string
  readonly order?: Order
  /** Shown in place of the table where there are no rows at all. */
  readonly empty: ReactNode
  /** Default 25; on a phone 10 at most. */
  readonly pageSize?: number
  /** What to search for, as "Search devices"; absent means that nothing is to be searched. */
  readonly search?: string
  /** Beside the search. */
  readonly actions?: ReactNode
}

export const DataTable = <R,>(props: Props<R>): ReactNode => {
  const { actions, columns, empty, keyOf, label, rows, search } = props
  const isPhone = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false })
  const pageSize = Math.min(props.pageSize ?? 25, isPhone === true ? 10 : Number.POSITIVE_INFINITY)
  const [text, setText] = useState("")
  const [order, setOrder] = useState(props.order)
  const [asked, setPage] = useState(0)
  const { count, page, pages, shown } = arranged(rows, columns, { search: text, order, page: asked, pageSize })
  const sort = (key: string, isNumber: boolean) => {
    setOrder(turned(order, key, isNumber))
    setPage(0)
  }
  return (
    <div className={classes["whole"]}>
      {search === undefined && actions === undefined ? null : (
        <div className={classes["tools"]}>
          {search === undefined ? null : (
            <TextInput
              className={classes["search"] ?? ""}
              placeholder={search}
              aria-label={search}
              type="search"
              size="sm"
              maxLength={100}
              leftSection={<IconSearch size={16} aria-hidden />}
              value={text}
              onChange={(event) => {
                setText(event.currentTarget.value)
                setPage(0)
              }}
            />
          )}
          {actions === undefined ? null : <div className={classes["actions"]}>{actions}</div>}
        </div>
      )}
      {rows.length === 0 ? (
        empty
      ) : (
        <>
          <Sorter columns={columns} order={order} onOrder={setOrder} />
          <div className={classes["scroll"]}>
            <Table className={classes["table"] ?? ""} verticalSpacing="xs" highlightOnHover role="table">
              <Table.Caption className="unseen">{label}</Table.Caption>
              <Table.Thead role="rowgroup">
                <Table.Tr role="row">
                  {columns.map(({ isNumber = false, isSortable = true, key, label: name }) => (
                    <Table.Th
                      key={key}
                      role="columnheader"
                      data-number={isNumber || undefined}
                      aria-sort={isSortable ? sorted(order, key) : undefined}
                    >
                      {isSortable ? (
                        <UnstyledButton className={classes["head"] ?? ""} onClick={() => sort(key, isNumber)}>
                          {name}
                          <Mark order={order} of={key} />
                        </UnstyledButton>
                      ) : (
                        <span className={classes["head"]}>{name}</span>
                      )}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody role="rowgroup">
                {shown.map((row) => (
                  <Table.Tr key={keyOf(row)} role="row">
                    {columns.map(({ cell, isNumber, isTitle, key, label: name, value }, n) => (
                      <Table.Td
                        key={key}
                        role="cell"
                        data-label={name}
                        data-number={isNumber || undefined}
                        data-title={(isTitle ?? n === 0) ? true : undefined}
                      >
                        {cell === undefined ? value(row) : cell(row)}
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
          <div className={classes["foot"]}>
            <Text size="sm" c="dimmed" role="status">
              {count === 0
                ? "Nothing fits the search."
                : `${number(page * pageSize + 1)} to ${number(page * pageSize + shown.length)} of ${number(count)}`}
            </Text>
            {pages === 1 ? null : (
              <Pagination
                size="sm"
                total={pages}
                value={page + 1}
                onChange={(next) => setPage(next - 1)}
                siblings={1}
                boundaries={1}
                getControlProps={(control) => ({ "aria-label": `${control} page` })}
                getItemProps={(item) => ({ "aria-label": `Page ${item}` })}
              />
            )}
          </div>
        </>
      )}
    </div>
  )
}

const sorted = (order: Order | undefined, key: string): "ascending" | "descending" | "none" => {
  if (order?.key !== key) return "none"
  return order.isDescending ? "descending" : "ascending"
}

const Mark = ({ of, order }: { readonly order: Order | undefined; readonly of: string }) => {
  if (order?.key !== of) return <IconSelector size={14} className={classes["idle"]} aria-hidden />
  return order.isDescending ? <IconArrowDown size={14} aria-hidden /> : <IconArrowUp size={14} aria-hidden />
}

/** The heads of the columns are not shown on a phone; this is, and nowhere else. */
const Sorter = <R,>({
  columns,
  onOrder,
  order
}: {
  readonly columns: ReadonlyArray<Column<R>>
  readonly order: Order | undefined
  readonly onOrder: (order: Order) => void
}) => (
  <label className={classes["sorter"]}>
    <Text size="sm" c="dimmed" span>
      Sort by
    </Text>
    <select
      value={order?.key ?? ""}
      onChange={({ currentTarget: { value } }) => {
        const column = columns.find(({ key }) => key === value)
        if (column !== undefined) onOrder(turned(undefined, value, column.isNumber === true))
      }}
    >
      {order === undefined ? <option value="">as they come</option> : null}
      {columns
        .filter(({ isSortable = true }) => isSortable)
        .map(({ key, label }) => (
          <option key={key} value={key}>
            {label}
          </option>
        ))}
    </select>
  </label>
)
