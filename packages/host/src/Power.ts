/** Where the device has its power from, by what the kernel tells of its supplies. Source: Linux, Documentation/ABI/testing/sysfs-class-power. */

/** The files of one folder in /sys/class/power_supply, as far as they are there. */
export interface Supply {
  /** "Mains", "USB", "Battery", "UPS", … */
  readonly type: string | undefined
  /** "System", or "Device" for the battery of a mouse. */
  readonly scope: string | undefined
  /** "1" while the supply gives power. */
  readonly online: string | undefined
  /** "Charging", "Discharging", "Full", "Not charging", "Unknown". */
  readonly status: string | undefined
  /** Percent of charge. */
  readonly capacity: string | undefined
  /** "0" for a bay without its battery. */
  readonly present: string | undefined
}

export type Power = "Mains" | { readonly percent: number }

/**
 * On mains while some supply gives power, or no battery gives its own; a device without batteries has no other. The charge
 * is that of the fullest battery: it is what is left when the others are empty. `undefined` when a battery does not tell.
 */
export const of = (supplies: ReadonlyArray<Supply>): Power | undefined => {
  const ours = supplies.filter(({ scope }) => scope !== "Device")
  const batteries = ours.filter(({ present, type }) => type === "Battery" && present !== "0")
  if (batteries.length === 0) return "Mains"
  if (ours.some(({ online, type }) => type !== "Battery" && online === "1")) return "Mains"
  if (batteries.every(({ status }) => status !== "Discharging" && status !== "Unknown")) return "Mains"
  const charges = batteries.map(({ capacity }) => Number(capacity ?? Number.NaN)).filter(isPercent)
  return charges.length === 0 ? undefined : { percent: Math.max(...charges) }
}

const isPercent = (n: number): boolean => n >= 0 && n <= 100
