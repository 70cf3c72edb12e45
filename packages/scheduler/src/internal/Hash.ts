/** Numbers that look random and are the same on every device. */

/** Spreads 32 bits over 32 bits; every input gives another output. Source: `lowbias32`, Chris Wellons, hash-prospector. */
export const mix = (n: number): number => {
  let x = n | 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return (x ^ (x >>> 16)) >>> 0
}

/** 32 bits of a text: FNV-1a, then spread. */
export const ofText = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}
