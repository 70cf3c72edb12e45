/** How much a ledger may hold; apart from its schema, which a download that only writes one does without. */

/** Most bytes of a ledger's JSON; nothing larger is written or read. */
export const maxBytes = 65_536

/** Most characters of a sentence that somebody else wrote. */
export const maxText = 400
