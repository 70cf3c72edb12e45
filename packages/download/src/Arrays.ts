/**
 * The Array instances of one content, as one client sees them. One that does not answer is left at once for the next, and for
 * a while asked last, so that a front end that dies costs one connection and not one interval.
 */
import type { Cloud, Whereabouts } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { EndpointUrl } from "@piecework/cloud/Fields"
import { RequestRefused } from "@piecework/cloud/RoleError"
import type { ContentId } from "@piecework/domain/Content"
import { Clock, Duration, Effect } from "effect"

export interface Arrays {
  /** Asks Discovery which there are. While it does not answer, those that were known last are good enough. */
  readonly discover: (whereabouts: Effect.Effect<Whereabouts, CloudError>) => Effect.Effect<void, CloudError>
  /** Whether any are known. */
  readonly isKnown: () => boolean
  /** Asks the best one, and when it does not answer the others, until one does. Fails as the last one that was asked. */
  readonly ask: <A>(call: (url: EndpointUrl) => Effect.Effect<A, CloudError>) => Effect.Effect<A, CloudError>
  /** The one that answered last. */
  readonly answered: () => EndpointUrl | undefined
}

/** Instances that one ask goes through at most: with three of them silent, the service as a whole is. */
const most = 3

/** For so long one that failed is asked last. By then Discovery knows. */
const shunned = Duration.seconds(10)

export const make = (cloud: Cloud["Service"], contentId: ContentId): Arrays => {
  let known: ReadonlyArray<EndpointUrl> = []
  let answered: EndpointUrl | undefined
  const failedAt = new Map<EndpointUrl, number>()

  const inOrder = (now: number): ReadonlyArray<EndpointUrl> => {
    const isShunned = (url: EndpointUrl) => now - (failedAt.get(url) ?? -Infinity) < Duration.toMillis(shunned)
    return [...known.filter((url) => !isShunned(url)), ...known.filter(isShunned)].slice(0, most)
  }

  return {
    isKnown: () => known.length > 0,
    answered: () => answered,
    discover: (whereabouts) =>
      Effect.flatMap(whereabouts, (current) => cloud.discover(current, contentId)).pipe(
        Effect.map((instances) => {
          known = instances.map(({ url }) => url)
          for (const url of failedAt.keys()) if (!known.includes(url)) failedAt.delete(url)
        }),
        Effect.catch((error) => (known.length === 0 ? Effect.fail(error) : Effect.void))
      ),
    ask: Effect.fnUntraced(function* <A>(call: (url: EndpointUrl) => Effect.Effect<A, CloudError>) {
      let failure: CloudError | undefined
      for (const url of inOrder(yield* Clock.currentTimeMillis)) {
        const result = yield* Effect.result(call(url))
        if (result._tag === "Success") {
          answered = url
          failedAt.delete(url)
          return result.success
        }
        failure = result.failure
        if (hasAnswered(failure)) break
        failedAt.set(url, yield* Clock.currentTimeMillis)
      }
      return yield* failure ?? Effect.die("asked before any instance was known")
    })
  }
}

/** The service itself has spoken: another instance would say the same. */
const hasAnswered = ({ cause, reason }: CloudError): boolean =>
  reason === "Refused" || reason === "ContentUnknown" || cause instanceof RequestRefused
