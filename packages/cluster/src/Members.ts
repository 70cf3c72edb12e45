/** Pure: who is alive, as far as one can tell from looking again and again at everybody's count. */

export interface Row {
  readonly url: string
  /** Goes up as long as its owner lives. */
  readonly beat: number
}

interface Member extends Row {
  /** Looks in a row at which the count was the same. */
  readonly still: number
}

export type Members = ReadonlyArray<Member>

export const none: Members = []

/** Looks at which a dead one is still taken for alive: with a second and a half between looks it is out after five. */
const patience = 3

/** Looks after which its row may go. */
const forget = 30

/** What is known after one more look. Only looks that saw the rows count. */
export const looked = (before: Members, rows: ReadonlyArray<Row>): Members => {
  const known = new Map(before.map((member) => [member.url, member]))
  return rows.map(({ beat, url }) => {
    const last = known.get(url)
    return { url, beat, still: last?.beat === beat ? last.still + 1 : 0 }
  })
}

export const alive = (members: Members): ReadonlyArray<string> =>
  members.filter(({ still }) => still < patience).map(({ url }) => url)

/** Those that have been dead for long. */
export const forgotten = (members: Members): ReadonlyArray<Row> => members.filter(({ still }) => still >= forget)
