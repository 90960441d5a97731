"""HTTP server for the database engine of a data folder, for clients of ClickHouse."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from platestream.engine import accounts, configuration, folder_lock
from platestream.engine.runner import Runner
from platestream.engine.server import Limits, Server
from platestream.engine.statement_log import StatementLog
from platestream.engine.users import Users
from platestream.runtime import core_dumps, log_rate_limit
from platestream.runtime.account import system_account
from platestream.runtime.http_connection import connection_class, raise_file_limit

logger = logging.getLogger("platestream.engine")

CLOSING = 10.0  # seconds


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal arrives. Returns 2 with a message if the server cannot start."""
    options = _options(arguments)
    core_dumps.disable()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log_rate_limit.limit_log_output()
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # its warnings contain bytes of bodies
    try:
        _loopback(options.listen, options.allow_plaintext)
        with folder_lock.lock_folder(options.data):
            _serve(options)
    except (accounts.AccountsError, folder_lock.FolderError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _serve(options: argparse.Namespace) -> None:
    config = configuration.write(options.data / "engine", options.roles)
    roles = (options.data / "engine" / "roles.xml").read_text()
    profiles = configuration.profiles(roles)
    known = accounts.KnownNames(configuration.known_roles(roles), frozenset(profiles))
    users = Users(options.users, known, options.data / "accounts" / "tokens.json")
    for name in users().missing_password:
        logger.warning("account %s has no password in the environment and cannot sign in", name)
    runner = Runner(folder_lock.database_folder(options.data).absolute(), config, profiles)
    limits = Limits(
        options.queries, 4 * options.queries, options.body_mib << 20, options.seconds, options.stalled
    )
    raise_file_limit()
    log = StatementLog(runner, options.started_by)
    server = Server(runner, log, users, limits, socket.gethostname())
    application = server.application()
    # uvicorn raises the signal that ended it again, which would end this process before the code below.
    signal.signal(signal.SIGTERM, _leave)
    try:
        uvicorn.run(
            application,
            http=connection_class(options.stalled),
            host=options.listen,
            port=options.port,
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=10,
        )
    finally:
        _end_within(CLOSING)
        log.close()
        runner.close()


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _end_within(seconds: float) -> None:
    """End this process after `seconds` at the latest.

    Acknowledged data is stored by then, even if work still runs.
    """
    timer = threading.Timer(seconds, os._exit, args=(0,))
    timer.daemon = True
    timer.start()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m platestream.engine", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PLATESTREAM_DATA", "data")))
    parser.add_argument(
        "--listen", default="127.0.0.1", help="address; another than loopback needs --allow-plaintext"
    )
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument(
        "--started-by",
        default=os.environ.get("PLATESTREAM_STARTED_BY") or system_account(),
        help="the person whose engine this is, for its log of statements",
    )
    parser.add_argument(
        "--users", type=Path, action="append", help="a users file of a ClickHouse server; repeatable"
    )
    parser.add_argument("--roles", type=Path, help="roles and profiles; the project's own without it")
    parser.add_argument("--queries", type=int, default=16, help="statements that run at once")
    parser.add_argument("--seconds", type=float, default=900, help="the longest a statement may run")
    parser.add_argument(
        "--stalled", type=float, default=60, help="seconds that a client may send and take nothing"
    )
    parser.add_argument("--body-mib", type=int, default=128, help="the largest body, decoded, in MiB")
    parser.add_argument(
        "--allow-plaintext", action="store_true", help="listen beyond loopback: a closed network only"
    )
    return parser.parse_args(arguments)


def _loopback(address: str, allowed: bool) -> None:
    if not allowed and not ip_address(address).is_loopback:
        raise ValueError(f"{address} is not loopback: passwords and plates would cross a network unencrypted")


if __name__ == "__main__":
    sys.exit(main())
