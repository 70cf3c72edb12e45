/**
 * Where the service keeps what is published. The folder is `--data`, else `$STATE_DIRECTORY` (systemd), else
 * `/var/lib/piecework-service` for root, else `$XDG_STATE_HOME/piecework-service`, else
 * `~/.local/state/piecework-service`. So `publish` finds the running service's folder without being told.
 */
import { join } from "node:path"

export const defaultFolder = (
  env: { readonly [name: string]: string | undefined },
  user: { readonly uid: number; readonly home: string }
): string => {
  // systemd names several folders with colons between them when a unit has several.
  const systemd = env["STATE_DIRECTORY"]?.split(":")[0]
  if (systemd) return systemd
  if (user.uid === 0) return "/var/lib/piecework-service"
  return join(env["XDG_STATE_HOME"] || join(user.home, ".local", "state"), "piecework-service")
}
