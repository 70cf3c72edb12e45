/**
 * Where the roles are that callers are told of. Under the URL by which the caller came, unless an operator said where they
 * run: each role may be a process of its own.
 */
import { Context, Effect } from "effect"
import { Caller } from "./Caller.ts"
import { EndpointUrl } from "./Fields.ts"
import { paths, type Role } from "./Role.ts"

/** A role, or the place of the pieces hash files, which are plain HTTP. */
export type Place = Role | "Metadata"

/** What stands before a role's path, without a slash at the end: "https://arrays.example". Several when the role runs several times. */
export type RoleUrls = { readonly [P in Place]?: readonly [string, ...ReadonlyArray<string>] }

export const RoleUrls = Context.Reference<RoleUrls>("@piecework/cloud/RoleUrls", { defaultValue: () => ({}) })

/** What stands before the paths of a role: as the operator said, else the URL that brought the caller here. */
export const basesOf = (
  urls: RoleUrls,
  place: Place
): Effect.Effect<readonly [string, ...ReadonlyArray<string>], never, Caller> =>
  Effect.map(Caller, ({ baseUrl }) => urls[place] ?? [baseUrl])

/** The one endpoint of a role that does not run several times. */
export const endpointOf = (urls: RoleUrls, role: Role): Effect.Effect<EndpointUrl, never, Caller> =>
  Effect.map(basesOf(urls, role), ([base]) => EndpointUrl.make(base + paths[role]))
