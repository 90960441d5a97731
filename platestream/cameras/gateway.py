"""The camera gateway: watchers, servers for uploads, spool, sender and published state."""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from msgspec.structs import replace

from platestream.access.rules_reader import initial_profile
from platestream.cameras import config, config_checks, kinds, picture_files
from platestream.cameras.capture import Capture
from platestream.cameras.health_publisher import HealthPublisher
from platestream.cameras.intake import Intake
from platestream.cameras.live_picture import Live
from platestream.cameras.pushes.formats import FORMATS
from platestream.cameras.sender import Sender
from platestream.cameras.sources import ftp_server, http_server
from platestream.cameras.sources.client_certificates import ClientCertificates
from platestream.cameras.sources.mqtt import Broker
from platestream.cameras.sources.upload_auth import SignIn
from platestream.cameras.spool import Spool
from platestream.cameras.state import CameraState, GatewayHealth, write
from platestream.cameras.vehicle_place import VehiclePlace
from platestream.cameras.watch import Watcher
from platestream.operators.decode import Bounds
from platestream.runtime import picture_process
from platestream.runtime.clock import Clock, utc_now
from platestream.runtime.http_connection import MAX_CONNECTIONS, connection_class, raise_file_limit
from platestream.runtime.metrics import meters, serve
from platestream.schemas import metrics
from platestream.schemas.message import RefusedError
from platestream.schemas.topics import FRAMES
from platestream.settings import Settings, load_settings, open_keys, open_topics

log = logging.getLogger(__name__)

STATE_SECONDS = 2.0


class CameraGateway:
    """All cameras of one configuration. Raises SpoolInUseError where another gateway uses the spool."""

    def __init__(self, settings: Settings, found: config.Gateway, now: Clock = utc_now) -> None:
        self._found, self._now = found, now
        self._keep = timedelta(hours=found.spool_hours)
        self._spool = Spool(
            config.spool_folder(settings, found), found.spool_megabytes * 1_000_000, open_keys(settings)
        )
        bounds = Bounds(bytes=found.largest_bytes, age=initial_profile(settings).retention.span)
        self._retained = bounds.age
        self._states = {
            name: CameraState(name, one.kind, one.longest_silence, now())
            for name, one in found.cameras.items()
        }
        for name, one in found.cameras.items():
            meters.put(metrics.GATEWAY_MOVES, name, to=float(one.moves))
        self._live = Live(self._spool.folder, self._spool.keys)
        self.stop = threading.Event()
        self._vehicles = {
            one: VehiclePlace(config_checks.address(one), self.stop)
            for one in sorted({camera.gpsd for camera in found.cameras.values()} - {""})
        }
        self._intakes = {
            name: Intake(
                name, one, bounds, self._spool, self._states, self._live, self._vehicles.get(one.gpsd)
            )
            for name, one in found.cameras.items()
        }
        self._sender = Sender(self._spool, lambda: open_topics(settings).writer(FRAMES), self._states)
        self._failed: list[BaseException] = []
        self._path: Path | None = None
        self._text = b""
        self.changed = False

    def reread(self, path: Path) -> None:
        """End with `changed` when the configuration in `path` becomes another valid one."""
        self._path, self._text = path, path.read_bytes()

    def run(self) -> None:
        """Run until `stop` is set; a thread that fails by a fault of the program ends the gateway."""
        meters.put(metrics.GATEWAY_SPOOL, to=self._spool.bytes)
        meters.put(metrics.GATEWAY_SPOOL_LIMIT, to=self._spool.limit)
        if self._found.metrics:
            host, port = config_checks.address(self._found.metrics)
            serve(port, host)
        with self._servers():
            threads = [self._thread(lambda: self._sender.run(self.stop), "sender")]
            if self._found.health is not None:
                threads.append(self._thread(self._health_publisher(self._found.health).run, "health"))
            threads += [self._thread(one.run, f"gpsd {address}") for address, one in self._vehicles.items()]
            for name, camera in self._found.cameras.items():
                if camera.kind not in kinds.UPLOADS:
                    watcher = Watcher(
                        camera, self._intakes[name], self._states[name], self._found.largest_bytes, self.stop
                    )
                    threads.append(self._thread(watcher.run, name))
            self._maintain()
            while not self.stop.wait(STATE_SECONDS):
                self._maintain()
            for thread in threads:
                thread.join(65)
        self._live.clear()
        write(self._spool.folder, self.health())
        self._spool.close()
        if self._failed:
            raise self._failed[0]

    def health(self) -> GatewayHealth:
        """Return the current state of the gateway and its cameras."""
        now = self._now()
        return GatewayHealth(
            at=now,
            waiting=self._spool.count,
            waiting_bytes=self._spool.bytes,
            sending=self._sender.fault,
            cameras=tuple(state.health(now) for state in self._states.values()),
        )

    def _health_publisher(self, health: config.HealthByMqtt) -> HealthPublisher:
        secret = (
            "" if health.credentials_file is None else config_checks.read_credentials(health.credentials_file)
        )
        broker = Broker.of(health.url, secret, health.ca, health.certificate, health.key)
        return HealthPublisher(broker, health.every, self.health, self.stop)

    def accept(self, camera: str, capture: Capture) -> None:
        """Accept an upload. Raises RefusedError."""
        self._intakes[camera].take(capture, time.monotonic())

    def refuse(self, camera: str, body: bytes, error: RefusedError, at: datetime) -> None:
        """Store a push that cannot be used, for the dead letters. Raises RefusedError."""
        self._intakes[camera].refuse(body, error, at, time.monotonic())

    def _maintain(self) -> None:
        for camera in self._spool.expire((self._now() - self._keep).timestamp()):
            if camera in self._states:
                self._states[camera].count("expired")
        self._live.forget()
        picture_files.expire(self._spool.folder, (self._now() - self._retained).timestamp())
        write(self._spool.folder, self.health())
        self._compare()

    def _compare(self) -> None:
        try:
            text = self._text if self._path is None else self._path.read_bytes()
            if self._path is None or text == self._text:
                return
            self._text = text
            config.load(self._path)
        except (OSError, RefusedError) as error:
            log.warning("the configuration has changed and cannot be used: %s", error)
            return
        self.changed = True
        self.stop.set()

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
        """Run the servers for uploads where a camera uploads; close them at the end."""
        zones = {name: camera.zone for name, camera in self._found.cameras.items()}
        ends: list[Callable[[], None]] = []
        try:
            if any(one.kind == "http" for one in self._found.cameras.values()):
                ends.append(self._serve_http(config.accounts(self._found, "http"), zones))
            if by_ftp := config.accounts(self._found, "ftp"):
                ends.append(self._serve_ftp(by_ftp, zones))
            yield
        finally:
            self.stop.set()
            for end in ends:
                end()

    def _serve_http(self, accounts: dict[str, tuple[str, str]], zones: dict[str, Any]) -> Callable[[], None]:
        options = self._found.http
        host, port = config_checks.address(options.listen)
        basic = options.basic or options.certificate is not None
        passwords = {user: password for user, (_camera, password) in accounts.items()}
        found = self._found.cameras
        pushes = http_server.Pushes(
            {name: FORMATS[one.format] for name, one in found.items() if one.format is not None},
            lambda camera, at: self._intakes[camera].alive(at),
            self.refuse,
            {password: camera for camera, password in accounts.values() if found[camera].token},
            ClientCertificates(config.certificates(self._found)),
        )
        application = http_server.application(
            {user: camera for user, (camera, _password) in accounts.items()},
            SignIn(passwords, basic, time.monotonic),
            self.accept,
            lambda: {"waiting": self._spool.count, "sending": self._sender.fault or "well"},
            zones,
            self._found.largest_bytes,
            pushes=pushes,
        )
        raise_file_limit()
        server = uvicorn.Server(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                http=connection_class(http_server.HEADER_SECONDS),
                log_config=None,
                log_level="warning",
                access_log=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=5,
                server_header=False,
                h11_max_incomplete_event_size=16_384,
                ssl_certfile=options.certificate,
                ssl_keyfile=options.key,
                ssl_ca_certs=options.client_ca,
                ssl_cert_reqs=ssl.CERT_NONE if options.client_ca is None else ssl.CERT_OPTIONAL,
            )
        )

        def work() -> None:
            server.run()
            if not self.stop.is_set():
                raise OSError(f"the server for uploads on {options.listen} ended")

        thread = self._thread(work, "http")

        def end() -> None:
            server.should_exit = True
            thread.join(10)

        return end

    def _serve_ftp(self, accounts: dict[str, tuple[str, str]], zones: dict[str, Any]) -> Callable[[], None]:
        options = self._found.ftp
        first, last = options.passive_ports or (0, -1)
        try:
            server = ftp_server.server(
                config_checks.address(options.listen),
                {user: camera for user, (camera, _password) in accounts.items()},
                {user: password for user, (_camera, password) in accounts.items()},
                self.accept,
                zones,
                self._found.largest_bytes,
                range(first, last + 1),
                options.public_address,
                None
                if options.certificate is None
                else ftp_server.Tls(options.certificate, options.key, optional=options.plain),
            )
        except OSError as error:
            raise OSError(f"uploads by FTP on {options.listen}: {error.strerror}") from None

        def work() -> None:
            while not self.stop.is_set():
                server.serve_forever(timeout=0.5, blocking=False)

        thread = self._thread(work, "ftp")

        def end() -> None:
            thread.join(5)
            server.close_all()

        return end


def open_gateway(path: Path, metrics_port: int = 0) -> CameraGateway:
    """Open the gateway of a configuration. With a port its metrics are served there, on all addresses,
    instead of at the address in the file. Raises RefusedError, SettingsError and OSError.
    """
    picture_process.set_up()
    found = config.load(path)
    if metrics_port:
        found = replace(found, metrics=f"0.0.0.0:{metrics_port}")
    return CameraGateway(load_settings(), found)
