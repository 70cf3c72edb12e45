/**
 * The secret with which this page proves to the agent that the device's user opened it. It comes in the fragment of the address, which no browser sends
 * anywhere, and leaves the address at once; the tab keeps it, so that reloading works.
 */

const place = "piecework-activity-key"

/** Takes it from the address, once, before anything is shown. */
export const take = (): void => {
  const found = /[#&]key=([\w-]{16,128})(?:&|$)/.exec(globalThis.location.hash)?.[1]
  if (found === undefined) return
  sessionStorage.setItem(place, found)
  history.replaceState(null, "", globalThis.location.pathname)
}

export const current = (): string | undefined => sessionStorage.getItem(place) ?? undefined
