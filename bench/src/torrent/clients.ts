/** All BitTorrent clients that the bench can drive. */
import * as Aria2 from "./Aria2.ts"
import type { Client } from "./Client.ts"
import * as Deluge from "./Deluge.ts"
import * as Libtorrent from "./Libtorrent.ts"
import * as Qbittorrent from "./Qbittorrent.ts"
import * as Rtorrent from "./Rtorrent.ts"
import * as Transmission from "./Transmission.ts"

export const clients: ReadonlyArray<Client> = [
  Aria2.client,
  Transmission.client,
  Libtorrent.client,
  Qbittorrent.client,
  Rtorrent.client,
  Deluge.client
]
