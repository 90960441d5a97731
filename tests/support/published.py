"""A published log over a test's database, and witnesses in this process for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platestream.edges.clickhouse_client import SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.merkle.note import LOG, WITNESS, Signer, Verifier
from platestream.transparency_log import witnesses as asked
from platestream.transparency_log.config import LogConfig, Witness, signer
from platestream.transparency_log.publish import Published, publish
from platestream.transparency_log.published_folder import PublishedFolder
from platestream.transparency_log.publisher_state import PublisherState
from platestream.transparency_log.verify import VerificationResult, reader_of, verify_published
from platestream.transparency_log.witness import LogWitness
from platestream.transparency_log.witness_client import RequestError, Response
from tests.support.database import Database

NAME = "sjpd.example/inquiries"
_ROWS = """
INSERT INTO platestream.inquiry_log (entry, inquiry_id, at, outcome, since, until, {columns})
SELECT generateUUIDv4(), generateUUIDv4(1), now64(6) + toIntervalMicrosecond(number), 'allowed', now(), now(),
    {values}
FROM numbers({{count:UInt64}})
"""


class Agency:
    """A log of a test's database in `folder`."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.found = LogConfig(
            NAME, PublisherState(folder / "private"), PublishedFolder(folder / "public"), counts=True
        )

    @property
    def key(self) -> Verifier:
        return signer(self.found, "").verifier

    @property
    def checkpoint(self) -> bytes:
        return self.found.folder.read("checkpoint")

    def ask(self, count: int = 1, **more: str) -> None:
        """So many inquiries as the gate writes them, sealed; `more` are columns of text."""
        fields = {"kind": "search", "who": "vale", "reason": "stolen vehicle", "pattern": "ABC*", **more}
        columns, values = ", ".join(fields), ", ".join(f"{{{name}:String}}" for name in fields)
        sql = _ROWS.format(columns=columns, values=values)
        self.database.client().command(sql, parameters={**fields, "count": count})
        seal_new(self.database.client(SEALER))

    def publish(self, now: datetime | None = None, *, look_first: bool = True) -> Published:
        client = self.database.client(SEALER)
        key = signer(self.found, "")
        return publish(self.found, key, client, now or datetime.now(UTC), look_first=look_first)

    def verified(self, older: bytes | None = None) -> VerificationResult:
        return verify_published(reader_of(str(self.found.folder.root)), self.key, older)

    def with_witnesses(self, *witnesses: Witness) -> None:
        self.found = replace(self.found, witnesses=witnesses)


class Street:
    """Witnesses by address, without a network: those that are not `up` do not answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._folder = folder
        self.witnesses: dict[str, LogWitness] = {}
        self.up: set[str] = set()
        self.answers: dict[str, Callable[[bytes], Response]] = {}
        monkeypatch.setattr(asked, "add_checkpoint", self._add)

    def witness(self, name: str, log: Verifier) -> Witness:
        result = LogConfig(
            "",
            PublisherState(self._folder / name),
            PublishedFolder(Path()),
            witness_name=f"{name}.example",
            logs=(log,),
        )
        self.witnesses[name] = LogWitness(result)
        self.up.add(name)
        return Witness(self.witnesses[name].key, name)

    def _add(self, url: str, body: bytes) -> Response:
        if url in self.answers:
            return self.answers[url](body)
        if url not in self.up:
            raise RequestError("does not answer (ConnectError)")
        reply = self.witnesses[url].add_checkpoint(body, datetime.now(UTC))
        return Response(reply.status, reply.body.encode())


def witness_key(number: int = 1) -> Signer:
    return Signer(f"w{number}.example", WITNESS, bytes([number]) * 32)


def log_key(name: str = NAME, number: int = 1) -> Signer:
    return Signer(name, LOG, bytes([number]) * 32)
