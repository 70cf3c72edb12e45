/**
 * The address of the console that signs in by itself. The token is in the fragment, which a browser sends to nobody; the page takes it out of
 * the address before it does anything else.
 */
export const of = (serviceUrl: string, token: string): string =>
  `${serviceUrl.replace(/\/+$/, "")}/console/#token=${token}`
