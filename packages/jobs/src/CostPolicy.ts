/** Which networks a job may use. Source: spec.md §3.3, CostPolicy and DisallowOnCellular. */
import { code } from "./JobError.ts"

/** What the network in use costs, from the least. */
export const costs = ["Unrestricted", "Metered", "Surcharge", "Roaming"] as const
export type NetworkCost = (typeof costs)[number]

export interface Network {
  /** Whether there is any that leads beyond this device. */
  readonly isConnected: boolean
  readonly cost: NetworkCost
  readonly isCellular: boolean
}

/** The number that callers set; 0 is the default of foreground jobs, 2 that of background ones. */
export const numbers = { Always: 0, Unrestricted: 1, Standard: 2, NoRoaming: 3, NoSurcharge: 4, NoCellular: 5 } as const

const refused: { readonly [number: number]: ReadonlyArray<NetworkCost> } = {
  [numbers.Unrestricted]: ["Metered", "Surcharge", "Roaming"],
  // What "standard" means in numbers is not public: a plan that is paid by the month is fine, what costs extra is not.
  [numbers.Standard]: ["Surcharge", "Roaming"],
  [numbers.NoRoaming]: ["Roaming"],
  [numbers.NoSurcharge]: ["Surcharge"]
}

export interface Asked {
  readonly costPolicy?: number | undefined
  readonly foregroundPriority?: boolean | undefined
  readonly disallowOnCellular?: boolean | undefined
}

/** The policy in force. */
export const of = (asked: Asked): number =>
  asked.costPolicy ?? (asked.foregroundPriority === true ? numbers.Always : numbers.Standard)

/** The number of what keeps the job from using the network; `undefined` when it may. */
export const blocks = (asked: Asked, network: Network): number | undefined => {
  const policy = of(asked)
  if (network.isCellular && (asked.disallowOnCellular === true || policy === numbers.NoCellular)) {
    return code("BlockedByCellular")
  }
  return refused[policy]?.includes(network.cost) === true ? code("BlockedByCost") : undefined
}
