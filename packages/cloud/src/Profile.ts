/**
 * What kind of device a client is. Microsoft's bit mask is not public but for one value, 768 for a PC; the meanings of
 * the other bits here are ours. Source: spec.md §4.6.
 */

/** A personal computer. */
export const pc = 0x300
/** A server; servers peer with servers only. Source: spec.md §2.1. */
export const server = 0x400

/** Devices are matched only when this is the same for both. */
export const classOf = (profile: number): number => profile & 0x0f00
