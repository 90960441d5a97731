"""The console for tests: on a test's database and folder, and browsers of people who are signed in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from platestream.access import accounts
from platestream.access.password_file import Passwords
from platestream.schemas import topics
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import REGISTRY
from platestream.settings import Settings
from platestream.web.app import app
from platestream.web.console import Console
from tests.support.database import Database
from tests.support.door import OWN, person
from tests.support.stored_topics import stored_topics

PASSWORD = "a good long password"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""For many passwords; a hash says itself how it is checked."""


@dataclass
class Clock:
    """The console's clock; `forward` moves it."""

    by: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by

    def forward(self, **by: float) -> None:
        self.by += timedelta(**by)


class Pages:
    """A console on a test's database, with more settings where they are told; topics are in `data`."""

    def __init__(self, database: Database, data: Path, **settings: Any) -> None:
        self.database, self.data, self.clock = database, data, Clock()
        self.settings = Settings(clickhouse=database.dsn, data=data, **settings)
        database.data = data  # whose keys encrypt what a test puts
        self.console = Console(self.settings, self.clock)
        self.streams = stored_topics(data)

    def staff(self, *people: RegistryRecord) -> None:
        """Register this agency and people, or Vale with every role; each has PASSWORD."""
        registered = people or (person(),)
        self.put(OWN, *registered)
        kept = Passwords(accounts.password_path(self.settings), QUICK)
        for one in registered:
            kept.put(one.id, PASSWORD)

    def put(self, *records: RegistryRecord) -> None:
        """Records in the registry, on the topic and in the table, behind the door's back."""
        stamped = [msgspec.structs.replace(one, changed_at=datetime.now(UTC)) for one in records]
        self.streams.append(topics.REGISTRY, [topics.REGISTRY.encode(one) for one in stamped])
        self.database.put(REGISTRY, *stamped)
        self.console.forget()

    def browser(self, who: str = "", *, failing: bool = True) -> "Person":
        """A browser, of `who` signed in, or of nobody. Without `failing` a page that fails answers 500."""
        here = "https://localhost"
        served = app(self.console)
        made = Person(TestClient(served, here, raise_server_exceptions=failing, follow_redirects=True))
        if who:
            made.sign_in(who)
        return made


@dataclass
class Person:
    """A browser. `page` is the text of the last answer."""

    client: TestClient
    page: str = ""

    def sign_in(self, who: str, password: str = PASSWORD, where: str = "") -> Any:
        return self._shown(
            self.client.post("/sign-in", data={"who": who, "password": password, "next": where})
        )

    def get(self, path: str, **options: Any) -> Any:
        return self._shown(self.client.get(path, **options))

    def send(self, path: str, **fields: str | Iterable[str]) -> Any:
        """A form of the last page, with its proof."""
        (proof, *_same) = re.findall(r'name="csrf" value="([^"]+)"', self.page)
        result = {name: value if isinstance(value, str) else list(value) for name, value in fields.items()}
        return self._shown(self.client.post(path, data={"csrf": proof, **result}))

    def _shown(self, answer: Any) -> Any:
        self.page = answer.text
        return answer
