/** Which traces are told. Source: OpenTelemetry, "Environment Variable Specification", `OTEL_TRACES_SAMPLER`. */
import { Result } from "effect"

export interface Sampler {
  /** Whether what another program decided of its trace holds here as well. */
  readonly isParentBased: boolean
  /** Part of the traces that begin here, 0 to 1. */
  readonly ratio: number
}

/** What OpenTelemetry says where nothing is said. */
export const usual: Sampler = { isParentBased: true, ratio: 1 }

/** `name` and `argument` as the two variables say them; fails with a sentence. */
export const parse = (name: string | undefined, argument: string | undefined): Result.Result<Sampler, string> => {
  if (name === undefined || name === "") return Result.succeed(usual)
  const isParentBased = name.startsWith("parentbased_")
  switch (isParentBased ? name.slice("parentbased_".length) : name) {
    case "always_on":
      return Result.succeed({ isParentBased, ratio: 1 })
    case "always_off":
      return Result.succeed({ isParentBased, ratio: 0 })
    case "traceidratio": {
      const ratio = argument === undefined || argument === "" ? 1 : Number(argument)
      return ratio >= 0 && ratio <= 1
        ? Result.succeed({ isParentBased, ratio })
        : Result.fail(`OTEL_TRACES_SAMPLER_ARG is "${argument}", and takes a number from 0 to 1.`)
    }
    default:
      return Result.fail(`OTEL_TRACES_SAMPLER is "${name}", which is none of the samplers that there are here.`)
  }
}

/** Whether a trace is told, by its id alone, so that all who ask say the same. */
export const takes = ({ ratio }: Sampler, traceId: string): boolean =>
  // The last 52 bits of an id are random and exact as a number.
  ratio >= 1 || (ratio > 0 && Number.parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52)
