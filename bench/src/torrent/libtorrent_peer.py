"""One end of a swarm with libtorrent: libtorrent_peer.py seeder|leecher TORRENT FOLDER HOST PORT.

A leecher exits when it has the file, a seeder when it is ended. Settings are libtorrent's own but for what finds peers
by other ways than the tracker, what hides connections, and what waits for the tracker at the end.
"""
import sys

import libtorrent as lt

role, torrent, folder, host, port = sys.argv[1:]
session = lt.session({
    "listen_interfaces": f"{host}:{port}",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "out_enc_policy": int(lt.enc_policy.pe_disabled),
    "in_enc_policy": int(lt.enc_policy.pe_disabled),
    "stop_tracker_timeout": 0,
    "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(torrent)
params.save_path = folder
params.flags &= ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
if role == "seeder":
    # It has the file: believe it, as the other seeders that can.
    params.flags |= lt.torrent_flags.seed_mode
session.add_torrent(params)
while True:
    session.wait_for_alert(1000)
    for alert in session.pop_alerts():
        if isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert, lt.listen_failed_alert)):
            sys.exit(alert.message())
        if isinstance(alert, lt.torrent_finished_alert) and role == "leecher":
            sys.exit(0)
