/** Which rows of a table are shown, in which order: what is searched, sorted and paged. */

/** What there is to know of a column to arrange rows by it. */
export interface Sortable<R> {
  readonly key: string
  readonly value: (row: R) => string | number
}

export interface Order {
  readonly key: string
  readonly isDescending: boolean
}

export interface Asked {
  readonly search: string
  readonly order: Order | undefined
  /** From 0. */
  readonly page: number
  readonly pageSize: number
}

export interface Arranged<R> {
  readonly shown: ReadonlyArray<R>
  /** Rows that fit the search. */
  readonly count: number
  /** At least 1. */
  readonly pages: number
  /** The one that is shown: the last, when there are fewer than were asked for. */
  readonly page: number
}

export const arranged = <R>(
  rows: ReadonlyArray<R>,
  columns: ReadonlyArray<Sortable<R>>,
  { order, page, pageSize, search }: Asked
): Arranged<R> => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const found =
    words.length === 0
      ? rows
      : rows.filter((row) => {
          const text = columns.map(({ value }) => String(value(row)).toLowerCase()).join("\n")
          return words.every((word) => text.includes(word))
        })
  const by = order === undefined ? undefined : columns.find(({ key }) => key === order.key)
  const sorted = by === undefined ? found : found.toSorted(comparing(by.value, order?.isDescending === true))
  const pages = Math.max(1, Math.ceil(sorted.length / pageSize))
  const at = Math.min(Math.max(0, page), pages - 1)
  return { shown: sorted.slice(at * pageSize, (at + 1) * pageSize), count: sorted.length, pages, page: at }
}

/** A column's first order is the one that one looks for: names from A, amounts from the largest. */
export const turned = (order: Order | undefined, key: string, isNumber: boolean): Order =>
  order?.key === key ? { key, isDescending: !order.isDescending } : { key, isDescending: isNumber }

const names = new Intl.Collator("en", { numeric: true, sensitivity: "base" })

const comparing =
  <R>(value: (row: R) => string | number, isDescending: boolean) =>
  (a: R, b: R): number => {
    const [x, y] = [value(a), value(b)]
    const order = typeof x === "number" && typeof y === "number" ? x - y : names.compare(String(x), String(y))
    return isDescending ? -order : order
  }
