/** The .torrent file of one file: version 1, private, SHA-1 of every piece of 1 MiB. Source: BEP 3, 19, 27. */
import { createHash } from "node:crypto"
import * as Bencode from "./Bencode.ts"

/** Bytes in a piece, as in Piecework's own pieces hash files. */
export const pieceSize = 1_048_576

export interface Torrent {
  readonly bytes: Uint8Array
  /** SHA-1 of the part that says what is shared: the name of the swarm. */
  readonly infoHash: Uint8Array
}

/** `digests` are the SHA-1 digests of the pieces, one after the other. */
export const make = (options: {
  readonly name: string
  readonly size: number
  readonly digests: Uint8Array
  readonly tracker: string
  /** An HTTP server that has the file, for those who find pieces nowhere else. Source: BEP 19. */
  readonly webSeed?: string
}): Torrent => {
  const info = {
    length: options.size,
    name: options.name,
    "piece length": pieceSize,
    pieces: options.digests,
    // No DHT, no peer exchange: only those whom the tracker names.
    private: 1
  }
  return {
    bytes: Bencode.encode({
      announce: options.tracker,
      info,
      ...(options.webSeed === undefined ? {} : { "url-list": options.webSeed })
    }),
    infoHash: createHash("sha1").update(Bencode.encode(info)).digest()
  }
}
