/**
 * The scheduler's numbers, and why each is what it is. Times are milliseconds. Where the reason is another engine, its number
 * was read in that engine's sources; all together are tried in the simulation of this package's tests.
 */

export interface Settings {
  /**
   * A peer has so much time's worth of pieces under way. 2500: two to three seconds keep the line full over any round
   * trip and any pause of the other side (libtorrent asks for 3 s, Transmission for 10, WebTorrent for 1); more would
   * only be taken back when the peer slows down.
   */
  readonly pipeline: number
  /** Pieces under way at least, so that the next one is asked for before this one ends. 2. */
  readonly fewestInFlight: number
  /** Pieces under way at most: 32 MiB of standard pieces, a quarter of a second at 1 Gbit/s and plenty for a LAN. */
  readonly mostInFlight: number

  /** One request to the origin or a cache server takes about so long. 2000: long against a round trip, short to wait for. */
  readonly runTime: number
  /** Pieces in one such request at most. 16: at higher rates a request is already long against a round trip. */
  readonly longestRun: number
  /** Such requests at a time: while one waits for its answer the other moves bytes. 2. */
  readonly runsInFlight: number
  /**
   * A request is never more than this part of what is left of the client's share, so that shares end together rather
   * than one client holding the last long request. 4: a quarter.
   */
  readonly shareParts: number

  /** The time over which a rate is averaged. 2000: a hiccup shorter than that should not make a source look slow. */
  readonly rateWindow: number

  /**
   * A source this many times faster takes work over from another before it takes new work. 10, as rqbit does: what the
   * slower one has done of the piece is lost, so it must be hopeless.
   */
  readonly stealEarly: number
  /** The same once there is no new work: 3, as rqbit does; then the alternative is to wait. Never to the origin's cost. */
  readonly stealLate: number
  /**
   * Neither before the slower source has had as many times as long as the faster one usually takes, nor before this.
   * 500: queues on a LAN come and go.
   */
  readonly stealAfter: number
  /**
   * … nor before this while pieces are missing that no source at hand has: then all wait for the line, and a piece that
   * comes a little sooner ends nothing sooner. 3000: what a pipeline holds.
   */
  readonly stealWaiting: number

  /** Pieces left, none of them new, at which a piece may be asked for twice: 3 or 1 %, whichever is more. */
  readonly endgamePieces: number
  readonly endgameShare: number
  /** … and not before it has been under way so long, so that a quick end costs nothing. 500. */
  readonly endgameAfter: number

  /** No byte for so long with work under way: the work is given again. 10 000: TCP has sent again three times in vain. */
  readonly stallAfter: number
  /** The same of a cache server. 60 000: what 30 devices ask for at once takes that long over 5 Mbit/s. */
  readonly cachePatience: number
  /** A source that failed is left alone for so long, doubled with each failure. 1000, spec.md F061. */
  readonly retryFirst: number
  /** … up to this. 30 000, spec.md F061. */
  readonly retryMost: number

  /** Bad pieces in one download after which a source is out. 3, spec.md §3.2. */
  readonly strikes: number
  /** How long a peer is banned. Three hours: spec.md §3.2 has "the next few hours". */
  readonly banTime: number

  /**
   * Others' shares of the origin are left alone while their owner may be at them: so many times as long as the pieces
   * that it has under way should take. 2: a second request's worth of doubt.
   */
  readonly patience: number
  /** … but at least so long: announcements and clocks are not exact. 1000. */
  readonly patienceLeast: number
  /** … and at most. 60 000: over a thin line one piece does take that long; then bytes matter more than time. */
  readonly patienceMost: number

  /** While somebody reads a peer has so much time's worth of pieces under way, so that what is read next is not last in a long queue. 500. */
  readonly readPipeline: number
  /**
   * A piece that a reader waits for is asked of the origin without a lease or a turn after so long, or after `patience` times as long as it takes the
   * origin to send one, if that is longer. 2000: what is leased to a neighbour is here within the time of a request (`runTime`);
   * who has waited longer has waited as long as a request of its own would have taken. A site pays twice then for a piece, not for all.
   * A peer that is silent for so long, and owes what a reader waits for, has stalled.
   */
  readonly readPatience: number
  /**
   * So many pieces behind one that was asked for so are asked for without another wait. 4: of the shares among few neighbours one is
   * this client's own every few pieces, and comes by itself; those in between would cost a wait each.
   */
  readonly rushedFor: number
  /** Readers that are looked at, and pieces ahead of each: 32 MiB of standard pieces, as deep as a peer's queue. 64 and 32. */
  readonly mostReaders: number
  readonly mostRead: number

  /** Leased pieces are asked for so far ahead, if two runs are not more. 1000: a service answers within that. */
  readonly leaseAhead: number
  /** … but never more at a time. 256: what a message of the service's protocol holds. */
  readonly mostLeased: number
  /**
   * What was asked of the origin without a lease goes on after so long: by then much of it has been sent, and will be
   * paid for anyway. 1000.
   */
  readonly leaseYoung: number
  /** Without a lease and without a sign from the site for so long, the client goes ahead by itself. 20 000. */
  readonly leasePatience: number
  /** … and for so long. 60 000. */
  readonly leasePause: number

  /** A rate is held against the floor no sooner than after this: twice the time over which it is averaged. 4000. */
  readonly floorAfter: number

  /** Best pieces are looked for among so many, so that a decision takes microseconds. 4096: exact up to 4 GiB. */
  readonly candidates: number
}

export const defaults: Settings = {
  pipeline: 2500,
  fewestInFlight: 2,
  mostInFlight: 32,
  runTime: 2000,
  longestRun: 16,
  runsInFlight: 2,
  shareParts: 4,
  rateWindow: 2000,
  stealEarly: 10,
  stealLate: 3,
  stealAfter: 500,
  stealWaiting: 3000,
  endgamePieces: 3,
  endgameShare: 0.01,
  endgameAfter: 500,
  stallAfter: 10_000,
  cachePatience: 60_000,
  retryFirst: 1000,
  retryMost: 30_000,
  strikes: 3,
  banTime: 3 * 60 * 60 * 1000,
  patience: 2,
  patienceLeast: 1000,
  patienceMost: 60_000,
  readPipeline: 500,
  readPatience: 2000,
  rushedFor: 4,
  mostReaders: 64,
  mostRead: 32,
  leaseAhead: 1000,
  mostLeased: 256,
  leaseYoung: 1000,
  leasePatience: 20_000,
  leasePause: 60_000,
  floorAfter: 4000,
  candidates: 4096
}
