/**
 * The drives of a cache server: what is new goes to the one with most room left relative to its size, and each keeps within its own.
 * A drive that fails is left alone with a reason, and looked at again a minute later when somebody wants something of it; the others go on.
 *
 * Contents known to the service and files by their URL are counted together, and `DriveRules` says which of both leave.
 */
import type { Host } from "@piecework/host/Host"
import { Context, Effect, Layer } from "effect"
import type { Drive, DriveSettings, DriveSpace, Tenant } from "./Drive.ts"
import { roomiest } from "./DriveRules.ts"
import { makeDrive } from "./internal/makeDrive.ts"

export class Drives extends Context.Service<
  Drives,
  {
    readonly all: ReadonlyArray<Drive>
    /**
     * The drive for something new of so many bytes, but for one that just refused it. `TooLarge`: none is as large; `Failed`: none can be
     * used now.
     */
    readonly choose: (bytes: number, except?: Drive) => Effect.Effect<Drive | "TooLarge" | "Failed">
    /** The drives whose things can be used now. */
    readonly readable: Effect.Effect<ReadonlyArray<Drive>>
    readonly spaces: Effect.Effect<ReadonlyArray<DriveSpace>>
    /** Counts what this one keeps on the drives, and lets it be told what leaves. Once for each kind. */
    readonly attach: (tenant: Tenant) => Effect.Effect<void>
  }
>()("@piecework/cache/Drives") {
  static readonly layer = (settings: ReadonlyArray<DriveSettings>): Layer.Layer<Drives, never, Host> =>
    Layer.effect(
      Drives,
      Effect.gen(function* () {
        const all = yield* Effect.forEach(settings, makeDrive, { concurrency: "unbounded" })
        const wake = Effect.forEach(all, (drive) => drive.wake, { discard: true })
        const looked = Effect.forEach(all, (drive) => (drive.isUsable() ? drive.look : Effect.void), {
          concurrency: "unbounded",
          discard: true
        })
        return Drives.of({
          all,
          choose: Effect.fnUntraced(function* (bytes, except) {
            yield* wake
            yield* looked
            const candidates = all.map((drive) => ({
              ...drive.space(),
              isUsable: drive.isUsable() && drive !== except,
              drive
            }))
            const best = roomiest(candidates, bytes)
            if (best !== undefined) return best.drive
            return candidates.some(({ isUsable }) => isUsable) ? "TooLarge" : "Failed"
          }),
          readable: Effect.map(wake, () => all.filter((drive) => drive.isReadable())),
          spaces: Effect.map(Effect.andThen(wake, looked), () => all.map((drive) => drive.space())),
          attach: (tenant) => Effect.forEach(all, (drive) => drive.attach(tenant), { discard: true })
        })
      })
    )
}
