/** The two forms in which a client asks a cache server for a file of an origin. Pure. Source: spec.md §7.1. */

export interface Asked {
  readonly url: string
  readonly headers: ReadonlyArray<string>
}

/** By the origin's name in the Host header, or in a parameter of the query. */
export const forms = ["host", "parameter"] as const
export type Form = (typeof forms)[number]

/** `server` and `origin` with their ports, where those are not 80; `path` from its slash on. */
export const ask = (form: Form, server: string, origin: string, path: string): Asked =>
  form === "host"
    ? { url: `http://${server}${path}`, headers: [`Host: ${origin}`] }
    : { url: `http://${server}${path}${path.includes("?") ? "&" : "?"}cacheHostOrigin=${origin}`, headers: [] }

/** A host and a port as URLs write them. */
export const authority = (host: string, port: number): string => (port === 80 ? host : `${host}:${port}`)
