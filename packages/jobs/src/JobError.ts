/**
 * The numbers by which programs know what went wrong with a job. They are 32 bits; existing clients read them as signed. The zone of a
 * number says whether a job goes on by itself. Source: spec.md §3.4 and §3.8; names in capitals there are written in our way here, the
 * others are named by what they mean.
 */
import { Schema } from "effect"

const table = {
  NoService: [0x80d01001, "the service of the jobs does not run"],
  NoProgress: [0x80d02002, "nothing arrived for too long"],
  JobNotFound: [0x80d02003, "there is no such job"],
  JobEmpty: [0x80d02004, "the job has nothing to download"],
  NoDownloads: [0x80d02005, "there are no downloads"],
  StreamUnsupported: [0x80d0200b, "streams in memory are not supported"],
  JobTooOld: [0x80d0200c, "the job was neither completed nor cancelled for too long"],
  LocalPathNotSet: [0x80d0200d, "the job has no local path"],
  FileNotAvailable: [0x80d02010, "the file is not available"],
  UnknownProperty: [0x80d02011, "there is no such property"],
  ReadOnlyProperty: [0x80d02012, "the property can only be read"],
  InvalidState: [0x80d02013, "the job is in no state for this"],
  InformationUnavailable: [0x80d02014, "this is not known yet"],
  WriteOnlyProperty: [0x80d02015, "the property can only be set"],
  IntegrityInfoMissing: [0x80d02016, "the integrity check is mandatory, and there is nothing to check against"],
  IntegrityInfoUnavailable: [0x80d02017, "the integrity information cannot be had"],
  NoSink: [0x80d02018, "the job has no destination"],
  OtherSink: [0x80d02019, "another destination is set already"],
  SizeUnknownFrom200: [0x80d0201a, "the answer 200 does not tell the size of the file"],
  NotEncrypted: [0x80d0201b, "a key is given, and the file is not encrypted"],
  SizeUnknownFrom206: [0x80d0201c, "the answer 206 does not tell the size of the file"],
  SizeUnknown: [0x80d0201d, "the answer does not tell the size of the file"],
  ConsentNeeded: [0x80d0201e, "the user has to agree first"],
  NoUri: [0x80d02200, "the job has no URL"],
  NoContentId: [0x80d02201, "the job has no content id"],
  InvalidContentId: [0x80d02202, "the content id is invalid"],
  RangesUnexpected: [0x80d02203, "ranges belong to the first start"],
  RangesExpected: [0x80d02204, "the job needs ranges"],
  ParticipationThrottled: [0x80d03001, "this device takes no part at present"],
  Forbidden: [0x80d03002, "the settings forbid the download"],
  BlockedByCost: [0x80d03801, "the job may not use a network that costs this much"],
  ModeLimitedByContent: [0x80d03802, "the content's policy limits the mode"],
  BlockedByCellular: [0x80d03803, "the job may not use a cellular network"],
  BlockedByPower: [0x80d03804, "the state of the power supply blocks the job"],
  BlockedByNoNetwork: [0x80d03805, "there is no network"],
  ModeLimitedByPolicy: [0x80d03806, "the policy limits the mode"],
  BlockedByVpn: [0x80d03807, "the VPN blocks the job"],
  BlockedByMemory: [0x80d03808, "memory is too short at present"],
  CacheFolderAbsent: [0x80d03809, "the cache folder is not there"],
  ServiceUnreachable: [0x80d0380a, "a cloud service is unreachable"],
  NotRegistered: [0x80d0380b, "the caller is not registered for peers"],
  SimpleWithRanges: [0x80d0380c, "ranges are given, and the mode is simple"],
  UnexpectedStatus: [0x80d0380d, "the answer has an unexpected HTTP status"],
  BlockSizeMismatch: [0x80d05001, "the answer has another length than was asked for"],
  CertificateInvalid: [0x80d05002, "the server could not prove who it is"],
  InvalidRange: [0x80d05010, "the range is invalid"],
  RangesUnsupported: [0x80d05011, "the server does not support ranges well enough"],
  OverlappingRanges: [0x80d05012, "ranges overlap"],
  TooManyComplaints: [0x80d06800, "too many bad pieces were sent"],
  FatalCore: [0x80d06802, "the engine failed"],
  EmptyJson: [0x80d06803, "a service answered with empty JSON"],
  BadPieceData: [0x80d06804, "the data of a piece is bad or incomplete"],
  PieceHashFailed: [0x80d06805, "the bytes do not match the published hashes"],
  PieceHashFailedOnce: [0x80d06806, "a piece does not match its hash; its source is not banned yet"],
  PieceInCache: [0x80d06807, "the piece is in the cache already"],
  PieceNotInCache: [0x80d06808, "the piece is not in the cache any more"],
  InvalidMetadata: [0x80d06809, "the metadata has invalid content"],
  InvalidMetadataVersion: [0x80d0680a, "the metadata has an unknown version"],
  SwarmNotRunning: [0x80d0680b, "the swarm does not run"],
  PeerUnknown: [0x80d0680c, "the peer is unknown"],
  PeerBanned: [0x80d0680d, "the peer is banned"],
  SelfConnection: [0x80d0680e, "that would be a connection to itself"],
  AlreadyConnected: [0x80d0680f, "there is a connection already"],
  TooManyConnections: [0x80d06810, "there are too many connections"],
  ConnectionLost: [0x80d06811, "the connection was lost"],
  SwarmUnknown: [0x80d06812, "the swarm is unknown"],
  BadHandshakeLength: [0x80d06813, "the handshake has the wrong length"],
  SocketClosed: [0x80d06814, "the socket is closed"],
  MessageTooLong: [0x80d06815, "the message is too long"],
  BadMessage: [0x80d06816, "the message is malformed"],
  PeerIsUpload: [0x80d06817, "the peer only uploads"],
  CannotPin: [0x80d06818, "a swarm without peers cannot be pinned"],
  PinnedNeedsForce: [0x80d06819, "the swarm is pinned"],
  NotFound: [0x80070490, "there is no such job"],
  InvalidArgument: [0x80070057, "an argument is invalid"],
  AccessDenied: [0x80070005, "this user may not give jobs here"],
  NotImplemented: [0x80004001, "this is not implemented here"],
  InvalidUrl: [0x800c0002, "the URL is not an http or https URL that can be fetched"],
  /** `E_UNSUPPORTED`: Win32 error 50. */
  Unsupported: [0x80070032, "there is no such request"],
  /** Win32 error 14. */
  OutOfMemory: [0x8007000e, "there are too many jobs"],
  /** Win32 error 574. */
  Unhandled: [0x8007023e, "something failed that nobody expected"],
  // The numbers of WinINet for what goes wrong on the way to a server, which programs know from there.
  ServerTimedOut: [0x80072ee2, "the server did not answer in time"],
  NameNotResolved: [0x80072ee7, "the name of the server could not be resolved"],
  CannotConnect: [0x80072efd, "the server cannot be reached"],
  ConnectionAborted: [0x80072efe, "the connection broke"],
  InsecureRedirect: [0x80072f08, "the server redirects to an address without encryption"],
  InvalidResponse: [0x80072f78, "the answer of the server makes no sense"],
  RedirectFailed: [0x80072f7c, "the server redirects again and again"]
} as const satisfies { readonly [name: string]: readonly [code: number, sentence: string] }

export type JobErrorName = keyof typeof table

export const names: ReadonlyArray<JobErrorName> = Object.keys(table).map((name) => name as JobErrorName)

/** The number, unsigned. */
export const code = (name: JobErrorName): number => table[name][0]

/** Numbers of the system, by what is asked for on Linux. Source: errno.h. */
const errnos = {
  ENOENT: 2,
  EIO: 5,
  EACCES: 13,
  EEXIST: 17,
  ENOTDIR: 20,
  EISDIR: 21,
  ENOSPC: 28,
  ENAMETOOLONG: 36
} as const
export type SystemErrorName = keyof typeof errnos

/** What the system said, as the Linux agent tells it. Source: do-client, client-lite/src/include/do_error.h. */
export const system = (name: SystemErrorName): number => 0xc0d00000 + errnos[name]

/** An HTTP status that ends a download; 404 is 0x80190194. Source: spec.md §3.8. */
export const status = (http: number): number => 0x80190000 + http

/** The form in which programs get it: signed, 32 bits. */
export const signed = (unsigned: number): number => unsigned | 0

export const unsigned = (number: number): number => number >>> 0

export const hex = (number: number): string => `0x${unsigned(number).toString(16).toUpperCase().padStart(8, "0")}`

/** Whether a job that is paused with it goes on by itself. Source: spec.md §3.8, the zone rule. */
export const isTransient = (number: number): boolean =>
  (number & 0xffff0000) >>> 0 === 0x80d00000 && (number & 0xf800) === 0x3800

const byCode = new Map<number, string>(Object.values(table).map(([number, sentence]) => [number, sentence]))

/** In words, without a full stop. */
export const describe = (number: number): string => {
  const known = byCode.get(unsigned(number))
  if (known !== undefined) return known
  const kind = unsigned(number) & 0xffff0000
  if (kind >>> 0 === 0x80190000) return `the server answers with HTTP ${number & 0xffff}`
  const name = Object.entries(errnos).find(([, errno]) => 0xc0d00000 + errno === unsigned(number))?.[0]
  return name === undefined ? "the job failed" : `the system says ${name}`
}

/** A call on a job was refused. */
export class JobError extends Schema.TaggedError<JobError>()("JobError", {
  /** One of the numbers above, unsigned. */
  code: Schema.Int,
  job: Schema.optionalKey(Schema.String)
}) {
  static readonly of = (name: JobErrorName, job?: string): JobError => JobError.with(code(name), job)

  static readonly with = (number: number, job?: string): JobError =>
    new JobError({ code: unsigned(number), ...(job === undefined ? {} : { job }) })

  override get message(): string {
    const about = this.job === undefined ? "" : `Job ${this.job}: `
    const text = describe(this.code)
    return `${about}${about === "" ? text.charAt(0).toUpperCase() + text.slice(1) : text} (${hex(this.code)}).`
  }
}
