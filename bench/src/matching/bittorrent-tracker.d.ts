/** What the bench uses of the package, which has no types of its own. */
declare module "bittorrent-tracker" {
  import type { Server as HttpServer } from "node:http"

  export class Server {
    constructor(options: {
      readonly http: boolean
      readonly udp: boolean
      readonly ws: boolean
      readonly stats: boolean
    })
    readonly http: HttpServer
    on(event: "error" | "warning", listener: (error: Error) => void): this
    listen(port: number, hostname: string, onListening: () => void): void
    close(onClosed: () => void): void
  }
}
