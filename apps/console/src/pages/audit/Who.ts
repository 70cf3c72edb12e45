/** Who did something, as the audit log has it, with the name that the operator's token has now. Pure. */

export interface Doer {
  /** Nothing where no name is known. */
  readonly name: string | undefined
  /** "operator 1b80207db0711c22" */
  readonly who: string
}

/** `names` are those of operators by their ids. */
export const of = (who: string, names: ReadonlyMap<string, string>): Doer => {
  const [, id = ""] = /^operator (.+)$/.exec(who) ?? []
  return { name: names.get(id), who }
}
