/** Which URLs are the service's, so that what is meant for it goes to nobody else. */

/** A URL's scheme, host and port. */
export const originOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).origin : undefined)

export const isSameOrigin = (one: string, other: string): boolean => {
  const origin = originOf(one)
  return origin !== undefined && origin === originOf(other)
}

/**
 * Whether what proves who this device is to the service may be shown at a URL that the service named as one of its roles': the
 * service's own origin, or any https one when the service itself was reached by https, for then the naming cannot be forged.
 */
export const isFor = (serviceUrl: string, roleUrl: string): boolean =>
  isSameOrigin(serviceUrl, roleUrl) || (isHttps(serviceUrl) && isHttps(roleUrl))

export const isHttps = (url: string): boolean => URL.canParse(url) && new URL(url).protocol === "https:"

/** Whether nobody between here and there can listen: https, or a URL of this machine. */
export const isPrivate = (url: string): boolean => {
  if (!URL.canParse(url)) return false
  const { hostname, protocol } = new URL(url)
  return protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname)
}
