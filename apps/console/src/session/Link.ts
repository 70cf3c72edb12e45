/**
 * The token that the page's address brings, as `piecework-service console` says it. It is taken out of the address at once, before anything is
 * asked or shown, so that it stays neither in the history nor in what is copied from the bar. It is kept until it is used or turned down.
 */
const form = /^#token=([\w-]{1,128})$/

const take = (): string | undefined => {
  const token = form.exec(window.location.hash)?.[1]
  if (token !== undefined) window.history.replaceState(null, "", `${window.location.pathname}#/`)
  return token
}

let brought = take()
const hearers = new Set<() => void>()

const become = (token: string | undefined): void => {
  brought = token
  for (const hearer of hearers) hearer()
}

// An address that differs from the one before only by the token loads no page anew. Whoever routes by it is to see what is left of it.
window.addEventListener("hashchange", (event) => {
  const token = take()
  if (token === undefined) return
  event.stopImmediatePropagation()
  become(token)
})

export const token = (): string | undefined => brought

/** The hearer is called when there is another one, or none any more. */
export const hear = (hearer: () => void): (() => void) => {
  hearers.add(hearer)
  return () => void hearers.delete(hearer)
}

/** It is used, or nobody wants it. */
export const drop = (): void => become(undefined)
