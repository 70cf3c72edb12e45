/**
 * What the shell is told by every program of the house. 1 is left for what nobody foresaw; each program adds numbers of its own
 * from 3 on, and a number means the same in all of them.
 */
export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  /** There is nothing of that name, or nothing yet. */
  notFound: 5,
  /** The other side does not allow it, or not to us. */
  refused: 6,
  unreachable: 7,
  diskFull: 9,
  portInUse: 10,
  /** The folder of the program cannot be used. */
  storage: 11,
  /** The address to listen on is not one of this machine, or may not be listened on. */
  address: 13,
  interrupted: 130
} as const

/** The word for one of a program's codes: what programs are told beside it. */
export const tagOf =
  (codes: { readonly [word: string]: number }) =>
  (code: number): string =>
    Object.entries(codes).find(([, value]) => value === code)?.[0] ?? "unexpected"
