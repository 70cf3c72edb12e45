/** Where the bytes of a device come from and go to, in the words of its activity page, each in its colour. Source: spec.md §8.2. */

/** The nearest first, the origin last. */
export const down = [
  { key: "local", label: "PCs on the local network", color: "var(--source-lan)" },
  { key: "internet", label: "PCs on the Internet", color: "var(--source-internet)" },
  { key: "cache", label: "Cache servers", color: "var(--source-cache)" },
  { key: "cdn", label: "Servers on the Internet", color: "var(--source-origin)" }
] as const

export const up = [
  { key: "local", label: "PCs on the local network", color: "var(--source-lan)" },
  { key: "internet", label: "PCs on the Internet", color: "var(--source-internet)" }
] as const
