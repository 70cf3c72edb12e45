/**
 * Every number that spec.md §3.4 and §3.8 name, with a call that ends in it, or with the reason why none can. The calls go through the
 * REST interface; where something has to happen that no caller can bring about, what downloads is a stand-in.
 */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { DownloadError } from "@piecework/download"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import { Downloader } from "@piecework/download/Downloader"
import {
  DownloadRunner,
  JobError,
  JobFiles,
  JobNetwork,
  JobRunner,
  Jobs,
  JobsConfig,
  JobStore,
  MemoryRunner
} from "@piecework/jobs"
import { Context, Effect, Fiber, Layer, Schedule, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Origins from "./origins.ts"
import * as Site from "./site.ts"
import { ask, serving } from "./support.ts"

type Numbers = readonly [error: number, extended?: number]
/** Answers the numbers that came. */
type Shown = Effect.Effect<Numbers, unknown, Scope.Scope>

const base = "?Uri=http%3A%2F%2Forigin.example%2Ff&DownloadFilePath=%2Ff"

const numberIn = ([, body]: readonly [number, string]): Numbers => {
  const { ErrorCode = 0 } = JSON.parse(body) as { readonly ErrorCode?: number }
  return [ErrorCode >>> 0]
}
const idIn = ([, body]: readonly [number, string]) => (JSON.parse(body) as { readonly Id: string }).Id

/** What one request is refused with; `ID` in it is that of a job that was made so. */
const refused = (
  verb: "GET" | "POST",
  target: string,
  created = "",
  options: Parameters<typeof serving>[0] = {}
): Shown =>
  Effect.gen(function* () {
    const { port } = yield* serving(options)
    const id = idIn(yield* ask(port, "POST", `/download/create${created}`))
    return numberIn(yield* ask(port, verb, target.replace("ID", id)))
  })

const statusOf = (port: number, id: string) =>
  Effect.map(ask(port, "GET", `/download/getstatus?Id=${id}`), ([, body]) => JSON.parse(body) as Site.Status)
const numbersOf = ({ ErrorCode, ExtendedErrorCode }: Site.Status): Numbers => {
  const [error, extended] = [Number(ErrorCode) >>> 0, Number(ExtendedErrorCode) >>> 0]
  return extended === 0 ? [error] : [error, extended]
}

/** What a job has once it has some number. */
const ends = (options: Parameters<typeof serving>[0], created: string = base): Shown =>
  Effect.gen(function* () {
    const { port } = yield* serving(options)
    const id = idIn(yield* ask(port, "POST", `/download/create${created}`))
    yield* ask(port, "POST", `/download/start?Id=${id}`)
    const status = yield* Effect.repeat(statusOf(port, id), {
      until: (now) => numbersOf(now).some((number) => number !== 0),
      schedule: Schedule.spaced("10 millis")
    })
    return numbersOf(status)
  })

/** A download that fails with this. */
const failing = (error: DownloadError.DownloadError, mode: DownloadMode = "Lan") =>
  DownloadRunner.layer(Effect.succeed(mode)).pipe(
    Layer.provide(
      Layer.succeed(Downloader, {
        open: () => Effect.die(new Error("not asked")),
        start: () =>
          Effect.succeed({
            progress: () => ({}) as never,
            facts: () => undefined,
            ledger: () => ({}) as never,
            result: Effect.fail(error),
            arrived: Effect.fail(error)
          })
      })
    )
  )
const fails = (error: DownloadError.DownloadError): Shown => ends({ runner: failing(error) })
const url = "http://origin.example/f"
const source = (reason: string) => new DownloadError.NoSourceError({ url, reason })

/** It has a number. On a machine that is busy any origin may be slow at first. */
const isFinal = (now: Site.Status): boolean =>
  numbersOf(now).some((number) => number !== 0 && number !== JobError.code("ServerTimedOut"))

/** What a job over real sockets has once it has some number. */
const meets = (
  answer: Origins.Answer,
  given: Readonly<Record<string, string>> = {},
  options: Site.SiteOptions = {},
  isTold = isFinal
): Shown =>
  Effect.gen(function* () {
    const site = yield* Site.make(options)
    const origin = yield* Origins.make(answer)
    const id = yield* site.started(origin.url, "file", given)
    return numbersOf(yield* site.until(id, isTold))
  })

/** What is done to jobs in a process whose time is the test's. */
const inTime = (work: (jobs: Jobs.Jobs["Service"]) => Effect.Effect<Numbers, unknown, Scope.Scope>): Shown =>
  Effect.gen(function* () {
    const memory = MemoryRunner.make()
    memory.origins.set(url, { bytes: 1000, rate: 0 })
    const layer = Jobs.Jobs.layer.pipe(
      Layer.provide([
        JobFiles.JobFiles.layerMemory(new Map()),
        JobNetwork.JobNetwork.layerOf(() => JobNetwork.JobNetwork.connected),
        JobStore.JobStore.layerMemory(),
        JobsConfig.layer(),
        MemoryRunner.layer(memory, { write: () => Effect.void })
      ])
    )
    return yield* work(Context.get(yield* Layer.build(layer), Jobs.Jobs))
  }).pipe(Effect.provide(TestClock.layer()))

const network = (change: Partial<typeof JobNetwork.JobNetwork.connected>) => () => ({
  ...JobNetwork.JobNetwork.connected,
  ...change
})

const windows = "it belongs to interfaces of Windows that are not here"
const byPeers = "it is said between peers, and a download goes on with other sources"
const better = "such a file is downloaded all the same"
const goesOn = "a download goes on in another mode, whose reason its record has"

const hash = `${"A".repeat(43)}=`

/** What a job has whose hashes cannot be read and have to be. */
const metadata = (bytes: Uint8Array): Shown =>
  Effect.gen(function* () {
    const own = yield* Origins.make(Origins.file(bytes))
    const PiecesHashFileDigest = createHash("sha256").update(bytes).digest("hex")
    return yield* meets(Origins.status(404), {
      IntegrityCheckInfo: JSON.stringify({ PiecesHashFileUrl: own.url, PiecesHashFileDigest }),
      IntegrityCheckMandatory: "true"
    })
  })

const shown: { readonly [N in JobError.JobErrorName]: Shown | string } = {
  NoService: "whoever gets an answer has found the service",
  NoProgress: inTime((jobs) =>
    Effect.gen(function* () {
      const id = yield* jobs.create([
        ["Uri", url],
        ["LocalPath", "/f"],
        ["NoProgressTimeoutSeconds", "10"]
      ])
      yield* jobs.start(id)
      yield* TestClock.adjust("11 seconds")
      return [(yield* jobs.status(id)).error]
    })
  ),
  JobNotFound: "the Linux agent and this one say 0x80070490",
  JobEmpty: `${windows}: jobs of several files`,
  NoDownloads: "an empty list is an answer",
  StreamUnsupported: `${windows}: streams as destinations`,
  JobTooOld: inTime((jobs) =>
    Effect.gen(function* () {
      const id = yield* jobs.create()
      const last = yield* Effect.forkChild(Stream.runLast(jobs.watch(id)), { startImmediately: true })
      yield* TestClock.adjust("8 days")
      const status = yield* Effect.flatMap(Fiber.join(last), Effect.fromOption)
      return [status.error]
    })
  ),
  LocalPathNotSet: "a job without destination says 0x80D02018, as the Linux agent does",
  FileNotAvailable: fails(new DownloadError.HaltedError({ url })),
  UnknownProperty: refused("GET", "/download/getproperty?Id=ID&PropertyKey=Nonsense"),
  ReadOnlyProperty: refused("POST", "/download/setproperty?Id=ID&HttpStatusCode=200"),
  InvalidState: refused("POST", "/download/finalize?Id=ID"),
  InformationUnavailable: refused("GET", "/download/getproperty?Id=ID&PropertyKey=HttpStatusCode"),
  WriteOnlyProperty: refused("GET", "/download/getproperty?Id=ID&PropertyKey=IntegrityCheckInfo"),
  IntegrityInfoMissing: refused("POST", "/download/start?Id=ID", `${base}&IntegrityCheckMandatory=true`),
  IntegrityInfoUnavailable: meets(Origins.status(404), {
    IntegrityCheckInfo: JSON.stringify({ PiecesHashFileUrl: "http://127.0.0.1:1/f.phf", PiecesHashFileDigest: hash }),
    IntegrityCheckMandatory: "true"
  }),
  NoSink: refused("POST", "/download/start?Id=ID", "?Uri=http%3A%2F%2Fh%2Ff"),
  OtherSink: `${windows}: a path and a stream at once`,
  SizeUnknownFrom200: better,
  NotEncrypted: "keys are refused with 0x80004001",
  SizeUnknownFrom206: better,
  SizeUnknown: better,
  ConsentNeeded: `${windows}: questions to its user`,
  NoUri: refused("POST", "/download/start?Id=ID", "?DownloadFilePath=%2Ff"),
  NoContentId: "a URL is enough for a job",
  InvalidContentId: refused("POST", "/download/setproperty?Id=ID&ContentId=DO-none"),
  RangesUnexpected: Effect.gen(function* () {
    const { memory, port } = yield* serving()
    memory.origins.set(url, { bytes: 1000, rate: 1 })
    const id = idIn(yield* ask(port, "POST", `/download/create${base}`))
    yield* ask(port, "POST", `/download/start?Id=${id}`)
    yield* ask(port, "POST", `/download/pause?Id=${id}`)
    return numberIn(yield* ask(port, "POST", `/download/start?Id=${id}&Ranges=0-1`))
  }),
  RangesExpected: `${windows}: streams as destinations`,
  ParticipationThrottled: goesOn,
  Forbidden: meets(Origins.status(404), {}, { mode: "Bypass" }),
  BlockedByCost: ends({ network: network({ cost: "Roaming" }) }),
  ModeLimitedByContent: goesOn,
  BlockedByCellular: ends({ network: network({ isCellular: true }) }, `${base}&DisallowOnCellular=true`),
  BlockedByPower: "downloads do not depend on the power supply; uploads do",
  BlockedByNoNetwork: ends({ network: network({ isConnected: false }), runner: failing(source("Unreachable")) }),
  ModeLimitedByPolicy: goesOn,
  BlockedByVpn: "on a VPN a download goes on, without peers",
  BlockedByMemory: "the memory of a download is taken before it begins, and bounded",
  CacheFolderAbsent: "an agent without its cache folder says so and takes no jobs",
  ServiceUnreachable: goesOn,
  NotRegistered: goesOn,
  SimpleWithRanges: "ranges are fetched in every mode",
  UnexpectedStatus: "the status itself is said, as 0x8019xxxx",
  BlockSizeMismatch: "an answer of another length is no answer: 0x80072F78, and it is asked again",
  CertificateInvalid: Effect.gen(function* () {
    const site = yield* Site.make()
    // A server that does not speak TLS proves nothing.
    const id = yield* site.started(`https://127.0.0.1:${site.port}/file`, "file")
    return numbersOf(yield* site.until(id, Site.isPaused))
  }),
  InvalidRange: refused("POST", "/download/start?Id=ID&Ranges=0-0", base),
  RangesUnsupported: "an origin that sends whole files only costs bytes, and its job ends with the file",
  OverlappingRanges: refused("POST", "/download/start?Id=ID&Ranges=0-5,4-5", base),
  TooManyComplaints: byPeers,
  FatalCore: ends({
    runner: DownloadRunner.layer(Effect.succeed("Lan")).pipe(
      Layer.provide(
        Layer.succeed(Downloader, {
          open: () => Effect.die("not asked"),
          start: () => Effect.die("broken")
        })
      )
    )
  }),
  EmptyJson: goesOn,
  BadPieceData: Effect.suspend(() => {
    let requests = 0
    const before = Origins.file(new Uint8Array(3_000_000), { cutAfter: 2_000_000 })
    const after = Origins.file(new Uint8Array(3_000_000), { etag: '"v2"' })
    return meets((asked, reply) => (asked.from === 0 || requests++ < 1 ? before : after)(asked, reply))
  }),
  PieceHashFailed: meets(Origins.file(Buffer.from("other bytes")), {
    IntegrityCheckInfo: JSON.stringify({ HashOfHashes: hash })
  }),
  PieceHashFailedOnce: byPeers,
  PieceInCache: byPeers,
  PieceNotInCache: byPeers,
  InvalidMetadata: metadata(Buffer.from("not json")),
  InvalidMetadataVersion: metadata(Buffer.from('{"MajorVersion":2,"MinorVersion":0}')),
  SwarmNotRunning: byPeers,
  PeerUnknown: byPeers,
  PeerBanned: byPeers,
  SelfConnection: byPeers,
  AlreadyConnected: byPeers,
  TooManyConnections: byPeers,
  ConnectionLost: byPeers,
  SwarmUnknown: byPeers,
  BadHandshakeLength: byPeers,
  SocketClosed: byPeers,
  MessageTooLong: byPeers,
  BadMessage: byPeers,
  PeerIsUpload: byPeers,
  CannotPin: `${windows}: pins`,
  PinnedNeedsForce: `${windows}: pins`,
  NotFound: refused("GET", "/download/getstatus?Id=none"),
  InvalidArgument: refused("POST", "/download/create?Nonsense=1"),
  AccessDenied: "it takes a second user: CallerUser.test.ts shows it to root",
  NotImplemented: Effect.gen(function* () {
    const site = yield* Site.make()
    return numberIn(yield* site.post("create", { DecryptionInfo: '{"KeyData":"k"}' }))
  }),
  InvalidUrl: refused("POST", "/download/create?Uri=ftp%3A%2F%2Fh%2Ff"),
  Unsupported: refused("GET", "/download/create"),
  OutOfMemory: refused("POST", "/download/create", "", { mostJobs: 1 }),
  Unhandled: refused("POST", `/download/create${base}`, "", {
    runner: Layer.succeed(JobRunner.JobRunner, { takesRanges: true } as JobRunner.JobRunner["Service"])
  }),
  ServerTimedOut: meets(
    () => undefined,
    {},
    { patience: 200 },
    (now) => numbersOf(now).some((number) => number !== 0)
  ),
  NameNotResolved: fails(new DownloadError.NoSourceError({ url, reason: "Unreachable", isUnresolved: true })),
  CannotConnect: Effect.gen(function* () {
    const site = yield* Site.make()
    const id = yield* site.started("http://127.0.0.1:1/file", "file")
    return numbersOf(yield* site.until(id, isFinal))
  }),
  ConnectionAborted: meets((_, reply) => reply.reset()),
  InsecureRedirect: fails(source("InsecureRedirect")),
  InvalidResponse: meets((_, reply) => {
    reply.body(Buffer.from("220 ready\r\n\r\n"))
    reply.end()
  }),
  RedirectFailed: meets(Origins.status(302, ["Location: /file.bin"]))
}

/** What a start with this destination is refused with. */
function onDisk(path: string): Shown {
  return Effect.gen(function* () {
    const site = yield* Site.make()
    const id = yield* site.create({ Uri: url, DownloadFilePath: path })
    return numberIn(yield* site.post("start", { Id: id }))
  })
}

const others: ReadonlyArray<readonly [what: string, number: number, how: Shown]> = [
  ["HTTP 404", JobError.status(404), meets(Origins.status(404))],
  ["HTTP 403", JobError.status(403), meets(Origins.status(403))],
  ["HTTP 503, which is asked again", JobError.status(503), meets(Origins.status(503))],
  [
    "a destination that is there",
    JobError.system("EEXIST"),
    Effect.gen(function* () {
      const { files, port } = yield* serving()
      files.set("/f", "")
      const id = idIn(yield* ask(port, "POST", `/download/create${base}`))
      return numberIn(yield* ask(port, "POST", `/download/start?Id=${id}`))
    })
  ],
  ["a folder that is not there", JobError.system("ENOENT"), onDisk("/none/file")],
  ["a folder that is a file", JobError.system("ENOTDIR"), onDisk("/proc/version/file")],
  ["a destination that is a folder", JobError.system("EISDIR"), onDisk("/tmp")],
  ["a full disk", JobError.system("ENOSPC"), fails(new DownloadError.StorageError({ reason: "DiskFull", detail: "" }))],
  [
    "a disk that fails",
    JobError.system("EIO"),
    fails(new DownloadError.StorageError({ reason: "Failed", detail: "" }))
  ],
  [
    "a folder that may not be written",
    JobError.system("EACCES"),
    fails(new DownloadError.StorageError({ reason: "Denied", detail: "" }))
  ]
]

const all = JobError.names.map((name) => [name, JobError.hex(JobError.code(name)), shown[name]] as const)
const reached = all.flatMap(([name, number, how]) => (typeof how === "string" ? [] : [[name, number, how] as const]))
const unreached = all.flatMap(([name, number, why]) => (typeof why === "string" ? [[name, number, why] as const] : []))

describe.concurrent("The number", () => {
  for (const [name, number, how] of reached) {
    it.live(`${number} is said when ${JobError.describe(JobError.code(name))}`, () =>
      Effect.map(how, (numbers) =>
        assert.include(
          numbers.map((one) => JobError.hex(one ?? 0)),
          number
        )
      )
    )
  }
  for (const [name, number, why] of unreached) {
    it(`${number} comes up nowhere: ${why}`, () => assert.isNotEmpty(`${name} ${why}`))
  }
  for (const [what, number, how] of others) {
    it.live(`${JobError.hex(number)} is said of ${what}`, () =>
      Effect.map(how, (numbers) =>
        assert.include(
          numbers.map((one) => JobError.hex(one ?? 0)),
          JobError.hex(number)
        )
      )
    )
  }
})
