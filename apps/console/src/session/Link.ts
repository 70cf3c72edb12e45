/**
 * The token that the page's address brings, as `piecework-service console` says it. It is taken out of the address at once, before anything is
 * asked or shown, so that it stays neither in the history nor in what is copied from the bar.
 */
const form = /^#token=([\w-]{1,128})$/

/** Nothing when there is none; asked again, there is none. */
export const take = (): string | undefined => {
  const token = form.exec(window.location.hash)?.[1]
  if (token !== undefined) window.history.replaceState(null, "", `${window.location.pathname}#/`)
  return token
}
