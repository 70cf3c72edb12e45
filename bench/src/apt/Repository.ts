/**
 * A package and a repository of nothing else, made here: the .deb by dpkg-deb, the lists that apt reads about it by hand. Nobody signs it,
 * so it is for machines that are told to trust it. Source: Debian, "DebianRepository/Format", section "Flat Repository Format".
 */
import { createHash } from "node:crypto"
import { Effect, FileSystem, Path } from "effect"
import { Meter, ProgramError } from "../Meter.ts"
import * as TestFile from "../TestFile.ts"

export const packageName = "piecework-payload"

/** Where the package puts its file. */
export const payloadPath = `usr/share/${packageName}/payload`

export interface Repository {
  /** Folder with the package and the lists, all side by side. */
  readonly folder: string
  readonly deb: { readonly name: string; readonly path: string; readonly size: number; readonly sha256: string }
  /** The file in the package. */
  readonly payload: TestFile.TestFile
}

const failed = (cause: { readonly message: string }) =>
  new ProgramError({ name: "dpkg-deb", reason: "NotStarted", detail: cause.message, cause })

/** A repository whose package holds one file of `bytes` random bytes. */
export const make = Effect.fn("Repository.make")(function* (root: string, bytes: number) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const meter = yield* Meter
  const tree = path.join(root, "package")
  const folder = path.join(root, "repository")
  const control = [
    `Package: ${packageName}`,
    "Version: 1.0",
    "Architecture: all",
    "Maintainer: Piecework <piecework@example.org>",
    "Description: a file of random bytes"
  ]
  const writing = Effect.gen(function* () {
    yield* fs.makeDirectory(path.join(tree, "DEBIAN"), { recursive: true, mode: 0o755 })
    yield* fs.makeDirectory(path.join(tree, path.dirname(payloadPath)), { recursive: true, mode: 0o755 })
    yield* fs.makeDirectory(folder)
    yield* fs.writeFileString(path.join(tree, "DEBIAN/control"), [...control, ""].join("\n"))
  })
  yield* Effect.mapError(writing, failed)
  const payload = yield* Effect.mapError(TestFile.make(path.join(tree, payloadPath), bytes), failed)

  const name = `${packageName}_1.0_all.deb`
  const deb = path.join(folder, name)
  yield* meter.run(
    { name: "dpkg-deb", command: "dpkg-deb", args: ["--build", "--root-owner-group", "-Znone", tree, deb] },
    60_000
  )
  const sha256 = yield* Effect.mapError(TestFile.hash(deb), failed)
  const size = Number((yield* Effect.mapError(fs.stat(deb), failed)).size)

  const packages = [...control, `Filename: ./${name}`, `Size: ${size}`, `SHA256: ${sha256}`, ""].join("\n")
  const digest = createHash("sha256").update(packages).digest("hex")
  const release = [
    "Origin: Piecework",
    "Date: Sat, 01 Aug 2026 00:00:00 UTC",
    "SHA256:",
    ` ${digest} ${Buffer.byteLength(packages)} Packages`,
    ""
  ].join("\n")
  yield* Effect.mapError(
    Effect.all([
      fs.writeFileString(path.join(folder, "Packages"), packages),
      fs.writeFileString(path.join(folder, "Release"), release)
    ]),
    failed
  )
  return { folder, deb: { name, path: deb, size, sha256 }, payload } satisfies Repository
})
