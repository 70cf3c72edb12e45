/** `curl`, from the origin and through an nginx that caches at the site. */
import { Effect, FileSystem, Option } from "effect"
import * as Apps from "../Apps.ts"
import { ProgramError, Meter } from "../Meter.ts"
import * as Tools from "../Tools.ts"
import { type Contestant, inside, type Place, type Tool } from "./Contestant.ts"
import type { Task } from "./Device.ts"

const curl =
  (url: (place: Place) => string) =>
  (place: Place): Task => ({
    namespace: place.host.namespace,
    folder: place.folder,
    invocation: (again) => (again ? Apps.curlOn : Apps.curl)(url(place), `${place.folder}/file`),
    done: { _tag: "Exit" }
  })

export const direct: Contestant<Tool> = {
  tool: "curl",
  how: "every device for itself",
  install: "apt-get install curl",
  version: Tools.version("curl"),
  open: ({ url }) => Effect.succeed(curl(() => url))
}

/**
 * A cache that fetches a slice once however many ask for it, and hands on each slice when it is there. `folder` is where
 * everything lies that nginx writes.
 */
export const configuration = (options: {
  readonly folder: string
  readonly listen: string
  readonly origin: string
}): string => `
worker_processes 1;
user root;
pid ${options.folder}/nginx.pid;
events { worker_connections 2048; }
http {
  access_log off;
  sendfile on;
  client_body_temp_path ${options.folder}/body;
  fastcgi_temp_path ${options.folder}/fastcgi;
  uwsgi_temp_path ${options.folder}/uwsgi;
  scgi_temp_path ${options.folder}/scgi;
  proxy_cache_path ${options.folder}/cache levels=1:2 keys_zone=site:10m inactive=1h use_temp_path=off;
  upstream origin { server ${options.origin}; keepalive 16; }
  server {
    listen ${options.listen};
    location / {
      slice 4m;
      proxy_cache site;
      proxy_cache_key $uri$slice_range;
      proxy_set_header Range $slice_range;
      proxy_set_header Connection "";
      proxy_http_version 1.1;
      proxy_cache_valid 200 206 1h;
      proxy_cache_lock on;
      proxy_cache_lock_age 1h;
      proxy_cache_lock_timeout 1h;
      proxy_pass http://origin;
    }
  }
}
`

export const cached: Contestant<Tool> = {
  tool: "nginx",
  how: "curl through an nginx proxy_cache at the site",
  install: "apt-get install nginx-light curl",
  version: Effect.zipWith(Tools.version("curl"), Tools.present("nginx", "-v"), (curlVersion, nginx) =>
    Option.andThen(curlVersion, nginx)
  ),
  open: Effect.fnUntraced(function* (setting) {
    const meter = yield* Meter
    const fs = yield* FileSystem.FileSystem
    for (const { helper, router } of setting.topology.sites) {
      const folder = `${setting.folder}/${router}`
      const file = `${folder}/nginx.conf`
      const text = configuration({
        folder,
        listen: `${helper.address}:80`,
        origin: `${setting.topology.origin.address}:80`
      })
      yield* fs.makeDirectory(folder).pipe(
        Effect.andThen(fs.writeFileString(file, text)),
        Effect.mapError(
          (cause) => new ProgramError({ name: "nginx", reason: "NotStarted", detail: cause.message, cause })
        )
      )
      yield* meter.start(inside(helper.namespace, Apps.nginx(file, folder)))
    }
    // It says nothing when it listens.
    yield* Effect.sleep("500 millis")
    return curl(({ site }) => `http://${site.helper.address}/file`)
  })
}
