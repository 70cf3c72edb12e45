/** How much of what was said is kept, so that an entry fits into a line. In characters, but for `depth` and `width`. */
export const maxText = 4_096

export const maxNotes = { text: 2_048, name: 64, depth: 4, width: 32 } as const

export const maxCause = 6_144
