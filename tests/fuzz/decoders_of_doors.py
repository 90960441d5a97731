"""The engine and the console behind HTTP, as decoders of requests."""

import base64
from datetime import timedelta
from pathlib import Path

from platestream.access import tokens
from platestream.clickhouse import migrate
from platestream.engine import accounts, compression, configuration, plan
from platestream.engine.body import Body, Decoder, DecodingWriter
from platestream.engine.runner import Runner
from platestream.engine.server import Limits, Server
from platestream.engine.statement_log import StatementLog
from platestream.engine.users import Users
from platestream.runtime.login_attempts import LoginAttempts
from platestream.web.app import app
from tests.fuzz.doors import Door
from tests.support.console import Pages
from tests.support.database import Database, close_all
from tests.support.engine import users_file
from tests.support.hits import put_hit


def engine_body(data: bytes) -> None:
    """A compressed body: the first byte says how."""
    names = [*compression._FRAMES, ""]
    name = names[data[0] % len(names)] if data else ""
    decoder: Decoder = compression.FrameDecoder(name) if name else compression.BlockDecoder()
    with Body(1_000_000) as body:
        decoded = DecodingWriter(body, [decoder])
        for at in range(1, len(data), 1000):
            decoded.write(data[at : at + 1000])
        decoded.finish()


def engine_insert(data: bytes) -> None:
    """Where the data of an INSERT begin; and what they call."""
    plan.split(b"INSERT INTO t " + data)
    plan.may_evaluate(data)
    plan._READS.match(data)


def engine_insert_long(data: bytes) -> None:
    """The same of a text that repeats itself: what takes the square of the length shows."""
    if data:
        engine_insert(data * (40_000 // len(data)))


class EngineDoor(Door):
    """The engine's own door. Nobody waits after wrong passwords, so that every input is read."""

    def __init__(self, folder: Path) -> None:
        close_all()  # one process holds one folder
        config_ = configuration.write(folder / "engine")
        roles = (folder / "engine" / "roles.xml").read_text()
        profiles = configuration.profiles(roles)
        known = accounts.KnownNames(configuration.known_roles(roles), frozenset(profiles))
        self._runner = Runner(folder / "clickhouse", config_, profiles)
        users = Users([users_file(folder)], known)
        self._log = StatementLog(self._runner, "fuzz")
        self._server = Server(self._runner, self._log, users, Limits(4, 4, 1_000_000, 0.7, 0.5), "here")
        super().__init__(self._server.application())
        for sql in ("CREATE DATABASE platestream", TABLE):
            self(engine_request(sql))

    def __call__(self, data: bytes) -> int:
        self._server._attempts = LoginAttempts()
        return super().__call__(data)

    def failed(self, _status: int, said: bytes) -> bool:
        return b"an error in this engine" in said  # a ClickHouse server answers 500 to much that is foreseen

    def close(self) -> None:
        super().close()
        self._log.close()
        self._runner.close()


TABLE = "CREATE TABLE platestream.t (n UInt32, s String, d DateTime) ENGINE = Memory"


def engine_request(sql: str | bytes, query: str = "", method: str = "POST", *more: str) -> bytes:
    """A request of the owner."""
    body = sql.encode() if isinstance(sql, str) else sql
    password = base64.b64encode("owner:owner-päss".encode()).decode()
    lines = [f"{method} /{query} HTTP/1.1", "Host: a", f"Authorization: Basic {password}", *more]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


SESSION, CSRF, TOKEN = b"{session}", b"{csrf}", b"{token}"
"""In an input these stand for the cookie and the proof of a session, and the token of a program."""


class ConsoleDoor(Door):
    """The console and its API, asked by somebody with all roles, who is signed in anew for each input."""

    def __init__(self, folder: Path) -> None:
        close_all()
        self._database = Database(folder / "platestream")
        migrate.apply(self._database.client())
        self._pages = Pages(self._database, folder / "data")
        self._pages.staff()
        put_hit(self._database, 1)
        ends_at = self._pages.clock() + timedelta(days=1)
        kept = tokens.stored_tokens(self._pages.settings)
        self._token = kept.make("vale", "CAD", tokens.PARTS, ends_at)[1].encode()
        super().__init__(app(self._pages.console), "https")

    def __call__(self, data: bytes) -> int:
        console = self._pages.console
        console.shared.run("DELETE FROM failures")
        token, session = console.sessions.begin("vale", console.clock())
        for name, value in ((SESSION, token), (CSRF, session.csrf)):
            data = data.replace(name, value.encode())
        try:
            return super().__call__(data.replace(TOKEN, self._token))
        finally:
            console.sessions.end_all("vale")

    def close(self) -> None:
        super().close()
        self._pages.console.close()
        self._database.close()
