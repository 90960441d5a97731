"""The gateway put together: watchers, servers for uploads, spool, sender, and the state that is shown."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from msgspec.structs import replace

from connectors.cameras import ftp_server, http_server
from connectors.cameras.capture import Capture
from connectors.cameras.sign_in import SignIn
from connectors.cameras.spool import Spool
from connectors.clock import Clock, utc_now
from connectors.http_connection import AT_ONCE, allow_many, patient
from connectors.metrics import meters, serve
from connectors.rules_in_force import before_there_are_any
from connectors.settings import Settings, load_settings, open_topics
from operators.decode import Bounds
from schemas import metrics
from schemas.topics import FRAMES
from services.cameras import config
from services.cameras.intake import Intake
from services.cameras.live import Live
from services.cameras.sender import Sender
from services.cameras.state import CameraState, GatewayHealth, write
from services.cameras.watch import Watcher

log = logging.getLogger(__name__)

STATE_SECONDS = 2.0


class CameraGateway:
    """All cameras of one configuration. Raises SpoolInUseError where another gateway works on the spool."""

    def __init__(self, settings: Settings, found: config.Gateway, now: Clock = utc_now) -> None:
        self._found, self._now = found, now
        self._keep = timedelta(hours=found.spool_hours)
        self._spool = Spool(config.spool_folder(settings, found), found.spool_megabytes * 1_000_000)
        bounds = Bounds(bytes=found.largest_bytes, age=before_there_are_any(settings).retention.span)
        self._states = {
            name: CameraState(name, one.kind, one.longest_silence, now())
            for name, one in found.cameras.items()
        }
        self._live = Live(self._spool.folder)
        self._intakes = {
            name: Intake(name, one, bounds, self._spool, self._states, self._live)
            for name, one in found.cameras.items()
        }
        self._sender = Sender(self._spool, lambda: open_topics(settings).writer(FRAMES), self._states)
        self.stop = threading.Event()
        self._failed: list[BaseException] = []

    def run(self) -> None:
        """Works until `stop` is set; a thread that fails by a fault of the program ends the gateway."""
        meters.put(metrics.GATEWAY_SPOOL, to=self._spool.bytes)
        meters.put(metrics.GATEWAY_SPOOL_LIMIT, to=self._spool.limit)
        if self._found.metrics:
            host, port = config.address(self._found.metrics)
            serve(port, host)
        with self._servers():
            threads = [self._thread(lambda: self._sender.run(self.stop), "sender")]
            for name, camera in self._found.cameras.items():
                if camera.kind not in config.UPLOADS:
                    watcher = Watcher(
                        camera, self._intakes[name], self._states[name], self._found.largest_bytes, self.stop
                    )
                    threads.append(self._thread(watcher.run, name))
            self._look_after()
            while not self.stop.wait(STATE_SECONDS):
                self._look_after()
            for thread in threads:
                thread.join(65)
        self._live.clear()
        write(self._spool.folder, self.health())
        self._spool.close()
        if self._failed:
            raise self._failed[0]

    def health(self) -> GatewayHealth:
        """How everything is now."""
        now = self._now()
        return GatewayHealth(
            at=now,
            waiting=self._spool.count,
            waiting_bytes=self._spool.bytes,
            sending=self._sender.fault,
            cameras=tuple(state.health(now) for state in self._states.values()),
        )

    def accept(self, camera: str, capture: Capture) -> None:
        """Takes an upload. Raises RefusedError."""
        self._intakes[camera].take(capture, time.monotonic())

    def _look_after(self) -> None:
        for camera in self._spool.expire((self._now() - self._keep).timestamp()):
            if camera in self._states:
                self._states[camera].count("expired")
        self._live.forget()
        write(self._spool.folder, self.health())

    def _thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                log.exception("%s failed", name)
                self._failed.append(error)
                self.stop.set()

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    @contextmanager
    def _servers(self) -> Iterator[None]:
        """The servers for uploads, where a camera uploads; closed at the end."""
        zones = {name: camera.zone for name, camera in self._found.cameras.items()}
        ends: list[Callable[[], None]] = []
        try:
            if by_http := config.accounts(self._found, "http"):
                ends.append(self._serve_http(by_http, zones))
            if by_ftp := config.accounts(self._found, "ftp"):
                ends.append(self._serve_ftp(by_ftp, zones))
            yield
        finally:
            self.stop.set()
            for end in ends:
                end()

    def _serve_http(self, accounts: dict[str, tuple[str, str]], zones: dict[str, Any]) -> Callable[[], None]:
        told = self._found.http
        host, port = config.address(told.listen)
        basic = told.basic or told.certificate is not None
        passwords = {user: password for user, (_camera, password) in accounts.items()}
        application = http_server.application(
            {user: camera for user, (camera, _password) in accounts.items()},
            SignIn(passwords, basic, time.monotonic),
            self.accept,
            lambda: {"waiting": self._spool.count, "sending": self._sender.fault or "well"},
            zones,
            self._found.largest_bytes,
        )
        allow_many()
        server = uvicorn.Server(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                http=patient(http_server.HEADER_SECONDS),
                log_config=None,
                log_level="warning",
                access_log=False,
                limit_concurrency=AT_ONCE,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=5,
                server_header=False,
                h11_max_incomplete_event_size=16_384,
                ssl_certfile=told.certificate,
                ssl_keyfile=told.key,
            )
        )

        def work() -> None:
            server.run()
            if not self.stop.is_set():
                raise OSError(f"the server for uploads on {told.listen} ended")

        thread = self._thread(work, "http")

        def end() -> None:
            server.should_exit = True
            thread.join(10)

        return end

    def _serve_ftp(self, accounts: dict[str, tuple[str, str]], zones: dict[str, Any]) -> Callable[[], None]:
        told = self._found.ftp
        first, last = told.passive_ports or (0, -1)
        try:
            server = ftp_server.server(
                config.address(told.listen),
                {user: camera for user, (camera, _password) in accounts.items()},
                {user: password for user, (_camera, password) in accounts.items()},
                self.accept,
                zones,
                self._found.largest_bytes,
                range(first, last + 1),
                told.public_address,
                None
                if told.certificate is None
                else ftp_server.Tls(told.certificate, told.key, optional=told.plain),
            )
        except OSError as error:
            raise OSError(f"uploads by FTP on {told.listen}: {error.strerror}") from None

        def work() -> None:
            while not self.stop.is_set():
                server.serve_forever(timeout=0.5, blocking=False)

        thread = self._thread(work, "ftp")

        def end() -> None:
            thread.join(5)
            server.close_all()

        return end


def open_gateway(path: Path, metrics_port: int = 0) -> CameraGateway:
    """The gateway of a configuration; with a port its metrics are there, on all addresses, and not where the
    file says. Raises RefusedError, SettingsError and OSError.
    """
    found = config.load(path)
    if metrics_port:
        found = replace(found, metrics=f"0.0.0.0:{metrics_port}")
    return CameraGateway(load_settings(), found)
