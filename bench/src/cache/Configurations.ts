/** What other cache servers are told. Pure. */

export interface Options {
  /** Where everything lies that they write. */
  readonly folder: string
  /** Address and port. */
  readonly listen: string
  readonly origin: { readonly host: string; readonly port: number; readonly authority: string }
}

/** Longer than any run: nothing is fetched again, and nobody is let past the lock. */
const forLong = "1h"

const frame = ({ folder, listen, origin }: Options, location: string): string => `
worker_processes 1;
user root;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path ${folder}/body;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  proxy_temp_path ${folder}/proxy;
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=site:10m inactive=${forLong} use_temp_path=off;
  upstream origin { server ${origin.host}:${origin.port}; keepalive 16; }
  server {
    listen ${listen};
    location / {
      proxy_cache site;
      proxy_set_header Host ${origin.authority};
      proxy_set_header Connection "";
      proxy_http_version 1.1;
      proxy_cache_valid 200 206 ${forLong};
      proxy_cache_lock on;
      proxy_cache_lock_age ${forLong};
      proxy_cache_lock_timeout ${forLong};
      proxy_max_temp_file_size 0;
      ${location}
      proxy_pass http://origin;
    }
  }
}
`

export const nginx = (options: Options): string => frame(options, "proxy_cache_key $uri$is_args$args;")

export const nginxSlice = (options: Options): string =>
  frame(options, "slice 4m; proxy_cache_key $uri$is_args$args$slice_range; proxy_set_header Range $slice_range;")

export const varnish = ({ origin }: Options): string => `
vcl 4.1;
backend origin { .host = "${origin.host}"; .port = "${origin.port}"; }
sub vcl_recv { set req.http.Host = "${origin.authority}"; unset req.http.Cookie; }
sub vcl_backend_response { set beresp.ttl = ${forLong}; set beresp.do_stream = true; }
`
