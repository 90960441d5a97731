"""RTSP server for tests and samples, independent of this project: GStreamer's server, in Debian's own Python.

/usr/bin/python3 platestream/demo/rtsp_server.py PORT [--account USER PASSWORD] NAME=PIPELINE…

PIPELINE is a GStreamer pipeline whose element `name=pay0` is sent. It is served as
rtsp://127.0.0.1:PORT/NAME.
"""

import argparse
import sys
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402


def main() -> None:
    """Serve until the process is killed; a line `ready` marks the start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port")
    parser.add_argument("--account", nargs=2, metavar=("USER", "PASSWORD"))
    parser.add_argument("streams", nargs="+", metavar="NAME=PIPELINE")
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    for stream in options.streams:
        name, _is, pipeline = stream.partition("=")
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {pipeline} )")
        factory.set_shared(pipeline.startswith("multifilesrc"))  # all clients share one pipeline
        if options.account:
            _for_account(server, factory, *options.account)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if not server.attach(None):
        sys.exit(f"port {options.port} is taken")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


def _for_account(server: Any, factory: Any, user: str, password: str) -> None:
    """Require Digest sign-in."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(2)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    main()
