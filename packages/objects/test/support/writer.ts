/** A process that makes, fills, confirms and removes files on two drives, and says each piece that it has put, until it is killed. */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Effect, Random } from "effect"
import { bytesOf, etagOf, factsOf, urlOf } from "./files.ts"
import { objectsOn } from "./harness.ts"

const [folder = "", firstSeed = "0"] = process.argv.slice(2)

/** Bytes of the files by name: one of many pieces, others of one. */
const sizes = { large: 2 * 1024 * 1024 + 777, a: 5000, b: 1, c: 70_000 } as const

const say = (line: string) =>
  Effect.callback<void>((resume) => void process.stdout.write(`${line}\n`, () => resume(Effect.void)))

const work = Effect.gen(function* () {
  const drives = ["one", "two"].map((name) => ({ folder: `${folder}/${name}`, size: 0 }))
  const objects = yield* objectsOn(drives)
  yield* say("ready")
  for (let seed = Number(firstSeed); ; seed++) {
    const name = (["large", "a", "b", "c"] as const)[seed % 4] ?? "a"
    const size = sizes[name]
    const facts = factsOf(name, size, { headers: etagOf(seed), confirmedAt: seed })
    yield* Effect.scoped(
      Effect.gen(function* () {
        if (yield* Random.nextBoolean) yield* objects.remove(urlOf(name))
        const stored = yield* objects.create(facts)
        yield* say(`made ${name} ${seed}`)
        const pieces = [...stored.layout.indices()]
        const put = (piece: PieceIndex) =>
          Effect.andThen(stored.put(piece, bytesOf(size, piece, seed)), say(`put ${name} ${seed} ${piece}`))
        yield* Effect.forEach(pieces, put, { concurrency: 2 })
        yield* stored.confirm({ ...facts, freshUntil: seed })
      })
    )
  }
})

await Effect.runPromise(Effect.scoped(work))
