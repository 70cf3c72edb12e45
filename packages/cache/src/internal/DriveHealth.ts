/** How a drive is: why nothing is kept there, whether what lies there can be read, and when it is looked at again. */
import { Effect, type Scope } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { makeRoot } from "./folders.ts"
import { type IoFailure, io } from "./io.ts"

/** When a drive that failed is looked at again, in ms. */
const againAfter = 60_000

/** What the system says of a drive that cannot be used now, whatever is kept there. */
const troubles = new Set("EIO ENXIO ENODEV EROFS ESTALE ENOTCONN EHOSTDOWN EUCLEAN EBADMSG ETIMEDOUT".split(" "))

const codeOf = (failure: object): string | undefined =>
  "code" in failure && typeof failure.code === "string" ? failure.code : undefined

/** Whether the system says that there is no room. */
export const isFull = (failure: object): boolean => codeOf(failure) === "ENOSPC" || codeOf(failure) === "EDQUOT"

interface Problem {
  readonly text: string
  /** What lies there can be read all the same. */
  readonly isReadable: boolean
  /** When it is looked at again, epoch milliseconds. */
  readonly again: number
  isLookedAt: boolean
}

export interface DriveHealth {
  /** Why nothing is kept there. */
  readonly problem: () => string | undefined
  readonly isReadable: () => boolean
  readonly fail: (text: string, isReadable?: boolean) => Effect.Effect<void>
  /** Takes note of a failure, if it is the drive's. */
  readonly report: (failure: object) => Effect.Effect<void>
  /** Writes and reads something; a drive that cannot do so has a problem from then on. */
  readonly look: Effect.Effect<void>
  /**
   * Looks again at one that failed a while ago; does not wait for it. `check` may still tell why it cannot be used; `onWell` is done when
   * nothing does.
   */
  readonly wake: (check: Effect.Effect<string | undefined>, onWell: Effect.Effect<void>) => Effect.Effect<void>
}

/** `now` is in epoch milliseconds; looks end with the scope. */
export const make = (folder: string, now: () => number, scope: Scope.Scope): DriveHealth => {
  let problem: Problem | undefined

  const fail = (text: string, isReadable = false): Effect.Effect<void> =>
    Effect.suspend(() => {
      const isNew = problem === undefined
      problem = { text, isReadable, again: now() + againAfter, isLookedAt: false }
      return isNew ? Effect.logWarning(`nothing is kept on a drive for now: ${text}`, { drive: folder }) : Effect.void
    })

  const trouble = (code: string | undefined): Effect.Effect<void> | undefined =>
    code !== undefined && troubles.has(code) ? fail(`its disk says ${code}`) : undefined

  /** A folder that is gone shows in what is not found in it, or cannot be made. */
  const checkThere = io(() => fs.readdir(folder)).pipe(
    Effect.asVoid,
    Effect.catch(({ code }) =>
      code === "ENOENT" || code === "ENOTDIR" ? fail("its folder is gone") : (trouble(code) ?? Effect.void)
    )
  )

  const probe = Effect.gen(function* (): Effect.fn.Return<void, IoFailure> {
    yield* makeRoot(folder)
    const file = path.join(folder, `.probe-${randomBytes(6).toString("hex")}`)
    yield* Effect.ensuring(
      io(async () => {
        await fs.writeFile(file, "probe", { flag: "wx", mode: 0o600 })
        if ((await fs.readFile(file, "utf8")) !== "probe") throw new Error("what was written is not what is read")
      }),
      Effect.ignore(io(() => fs.rm(file, { force: true })))
    )
  })

  const lookThen = (check: Effect.Effect<string | undefined>, onWell: Effect.Effect<void>) =>
    Effect.matchEffect(Effect.andThen(probe, check), {
      onSuccess: (text) => {
        if (text !== undefined) return fail(text)
        problem = undefined
        return onWell
      },
      onFailure: (failure) => fail(`its disk says ${failure.code ?? "that it cannot be used"}`, isFull(failure))
    })

  return {
    problem: () => problem?.text,
    isReadable: () => problem === undefined || problem.isReadable,
    fail,
    report: (failure) => trouble(codeOf(failure)) ?? checkThere,
    look: lookThen(Effect.undefined, Effect.void),
    wake: (check, onWell) =>
      Effect.suspend(() => {
        if (problem === undefined || problem.isLookedAt || now() < problem.again) return Effect.void
        problem.isLookedAt = true
        return Effect.asVoid(Effect.forkIn(lookThen(check, onWell), scope))
      })
  }
}
