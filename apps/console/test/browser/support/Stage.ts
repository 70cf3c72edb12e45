/** What all tests of a file share: one browser, and pages that are built; or why there is none. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Context, Effect, Layer, Result } from "effect"
import { Browser, type NoBrowser } from "./Browser.ts"
import * as Programs from "./Programs.ts"

export class Stage extends Context.Service<Stage, Result.Result<Browser["Service"], NoBrowser>>()(
  "@piecework/console/test/Stage"
) {
  static readonly layer = Layer.effect(
    Stage,
    Effect.gen(function* () {
      const launched = yield* Effect.result(Browser.launch)
      if (Result.isSuccess(launched)) yield* Programs.prepare
      return launched
    })
  ).pipe(Layer.provideMerge(NodeServices.layer))
}
