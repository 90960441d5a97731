"""Agencies that ask each other: keys, signed requests, and a desk that answers on a test's database."""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import uvicorn
from starlette.testclient import TestClient

from platestream.access.signing_keys import OwnKey
from platestream.edges.files import FileTopics
from platestream.partners import register
from platestream.partners.http_server import application
from platestream.partners.server import PartnerServer, Response, VerifiedRequest
from platestream.partners.signing import JSON, sign_request
from platestream.schemas import topics
from platestream.schemas.partner import INQUIRIES, Asker, Inquiry
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import REGISTRY
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.kafka_broker import free_port

ADDRESS = "https://alpr.sjpd.example:8444"
DAY = timedelta(days=1)
CASE = "26-001234"


def own_key(seed: int) -> OwnKey:
    """A key that is the same each time."""
    return OwnKey(base64.b64encode(bytes([seed] * 32)).decode(), NOW, True)


OURS, COUNTYS, STRANGERS = own_key(1), own_key(2), own_key(3)


def agency(name: str, *keys: OwnKey, **changes: Any) -> RegistryRecord:
    """Another agency, with an MOU since last month and these keys."""
    said: dict[str, Any] = {"mou_from": NOW - 30 * DAY, "state": "AZ", **changes}
    public = tuple(one.public for one in keys)
    return RegistryRecord(kind="agency", id=name, name=name.title(), keys=public, **said)


def put(database: Database, data: Path, *records: RegistryRecord) -> None:
    """Records in the registry, on the topic and in the table, behind the door's back."""
    stamped = [msgspec.structs.replace(one, changed_at=datetime.now(UTC)) for one in records]
    FileTopics(data, follow=False).append(topics.REGISTRY, [topics.REGISTRY.encode(one) for one in stamped])
    database.put(REGISTRY, *stamped)


def asker(**changes: Any) -> Asker:
    """A person of the county."""
    said: dict[str, Any] = {"agency": "county", "person": "jones", "case_number": CASE}
    return Asker(**{**said, "trained_on": (NOW - 40 * DAY).date(), **changes})


def inquiry(plate: str = "ABC123", **changes: Any) -> Inquiry:
    """A search by that person, whose fields are told as well."""
    person = {name: changes.pop(name) for name in Asker.__struct_fields__ if name in changes}
    return Inquiry(**{"way": "search", "plate": plate, "asker": asker(**person), **changes})


class Answering:
    """The agency of a test's database as its partners meet it, with a clock that can be moved."""

    def __init__(self, database: Database, a_minute: int = 1000, file: Path | None = None) -> None:
        self.database, self.data = database, database.data
        self.settings = Settings(clickhouse=database.dsn, data=self.data, partners_file=file)
        self.by = timedelta()
        register.own_key_store(self.settings).make(NOW)
        self.desk = PartnerServer(self.settings, a_minute, self.clock)
        self.client = TestClient(application(self.desk, ADDRESS), ADDRESS)

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.by

    def again(self) -> None:
        """The server is started anew: it remembers nothing."""
        self.desk = PartnerServer(self.settings, 1000, self.clock)
        self.client = TestClient(application(self.desk, ADDRESS), ADDRESS)

    def ask(
        self,
        asked: Any,
        key: OwnKey = COUNTYS,
        *,
        path: str = INQUIRIES,
        ident: UUID | None = None,
        change: Callable[[dict[str, str]], dict[str, str]] = lambda headers: headers,
        sent: bytes | None = None,
    ) -> Any:
        """What is answered to a request that `key` signed; `change` and `sent` are of somebody in between."""
        body = asked if isinstance(asked, bytes) else msgspec.json.encode(asked)
        request = sign_request(key, ADDRESS + path, body, ident or uuid4(), self.clock())
        headers = change(dict(request.headers))
        return self.client.post(path, content=body if sent is None else sent, headers=headers)

    def log(self, columns: str = "who, partner, outcome, refusal") -> list[Any]:
        return self.database.rows(f"SELECT {columns} FROM platestream.inquiry_log ORDER BY at")


def day(ago: float) -> date:
    """So many days ago; negative is to come."""
    return (NOW - ago * DAY).date()


class Canned(PartnerServer):
    """A partner that knows who asks, as any does, and whose answer the test says; `asked` are the bodies."""

    def __init__(self, data: Path) -> None:
        super().__init__(Settings(data=data), 1000)
        self.asked: list[bytes] = []
        self.said = Response(200, JSON, b'{"reads":[],"found":0}')

    def answer(self, asking: VerifiedRequest, path: str, body: bytes) -> Response:
        self.asked.append(body)
        return self.said


@contextmanager
def partner(folder: Path, key: OwnKey, *known: RegistryRecord) -> Iterator[tuple[Canned, str]]:
    """A server of another agency, whose own key is `key`, and where it is."""
    streams = FileTopics(folder, follow=False)
    streams.append(topics.REGISTRY, [topics.REGISTRY.encode(one) for one in known])
    with register.own_key_store(Settings(data=folder))._file.writing() as kept:
        kept[key.fingerprint] = key
    desk, port = Canned(folder), free_port()
    address = f"http://127.0.0.1:{port}"
    config = uvicorn.Config(application(desk, address), port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive()
    try:
        yield desk, address
    finally:
        server.should_exit = True
        thread.join(10)
