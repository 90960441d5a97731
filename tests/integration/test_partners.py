"""Three agencies as whole processes on folders of their own, by TLS: one asks, two answer by their own rules;
a fourth is slow and a fifth dead. And a client that nobody here wrote.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization

from platestream.access.door import Clients, Door
from platestream.access.profiles import load
from platestream.access.signing_keys import OwnKey
from platestream.edges.changelog import publish
from platestream.edges.sealed_topics import SealedTopics
from platestream.hotlist import entries
from platestream.hotlist.list_changes import entries_of
from platestream.operators.matching.entry_match import match_entry
from platestream.partners import offers, register
from platestream.schemas import tables, topics
from platestream.schemas.gate_rules import of_profile
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings, system_account
from tests.support.agency import read, set_rules, user
from tests.support.clock import NOW
from tests.support.database import Database, close_all, copied
from tests.support.kafka_broker import free_port, wait_until
from tests.support.partners import DAY, agency, inquiry, own_key, put
from tests.support.rules import as_before
from tests.support.stored_topics import stored_topics

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "tests" / "clients" / "partner" / "ask.sh"
ME = system_account()
DEADLINE = 15.0
CASE = "26-001234"


@dataclass
class Agency:
    """One agency: its folder, its key, where its server is, and its process while that runs."""

    name: str
    state: str
    profile: str
    folder: Path
    key: OwnKey
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def environment(self) -> dict[str, str]:
        keep = {name: value for name, value in os.environ.items() if not name.startswith("PLATESTREAM_")}
        return {
            **keep,
            "PLATESTREAM_DATA": str(self.data),
            "PLATESTREAM_CLICKHOUSE": f"chdb://{self.folder / 'platestream'}",
            "PLATESTREAM_PROFILE": self.profile,
            "PLATESTREAM_PARTNERS_FILE": str(self.folder / "partners.toml"),
        }

    @property
    def record(self) -> RegistryRecord:
        """As its partners have it."""
        return agency(self.name, self.key, address=self.address, state=self.state, declared_at=NOW - DAY)

    def lay_out(self, migrated: Path, partners: list[RegistryRecord], plate: str) -> None:
        """Its folder as it would be after a while, with one read."""
        self.folder.mkdir()
        with copied(migrated, self.folder) as database:
            set_rules(database, of_profile(self.profile, load(self.profile)))
            as_before(database)
            own = RegistryRecord(kind="agency", id=self.name, name=self.name, own=True, state=self.state)
            put(
                database,
                self.data,
                own,
                user("chief", agency=self.name),
                user(ME, agency=self.name),
                RegistryRecord(kind="hotlist_source", id="partner", name="Other agencies"),
                *partners,
            )
            database.put(tables.DETECTIONS, read(timedelta(hours=1), f"{self.name}-main", plate=plate))
        with register.own_key_store(Settings(data=self.data))._file.writing() as kept:
            kept[self.key.fingerprint] = self.key
        certificate = self.folder.parent
        (self.folder / "partners.toml").write_text(
            f'here = true\nauthorities = "{certificate}/c.pem"\n[ask]\ndeadline_s = {DEADLINE}\n'
            f'[serve]\naddress = "{self.address}"\nport = {self.port}\n'
            f'certificate = "{certificate}/c.pem"\nkey = "{certificate}/k.pem"\n[lists]\ntake = "always"\n'
        )

    def start(self, authorities: Path) -> None:
        command = [sys.executable, "-m", "platestream", "partners", "serve"]
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        trusted = ssl.create_default_context(cafile=str(authorities))

        def there() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.address}/healthy", verify=trusted).status_code == 200
            return False

        wait_until(there, 60, "the server of partners")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "platestream", *words]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )

    @property
    def streams(self) -> SealedTopics:
        return stored_topics(self.data)

    @property
    def taken(self) -> dict[str, HotListEntry]:
        """Entries of partners on its hot list, by plate."""
        return {one.plate: one for one in entries_of(self.streams, "partner").values()}

    @contextmanager
    def acting(self) -> Iterator[Door]:
        """The door for a person there, while its server is stopped: it holds the tables."""
        dsn, file = f"chdb://{self.folder / 'platestream'}", self.folder / "partners.toml"
        settings = Settings(clickhouse=dsn, data=self.data, partners_file=file, profile=self.profile)
        try:
            with Door(settings, ME, "test", Clients(settings)) as door:
                yield door
        finally:
            close_all()

    def log(self, columns: str) -> list[Any]:
        """Of its inquiry log; its server must have stopped."""
        database = Database(self.folder / "platestream")
        try:
            return database.rows(f"SELECT {columns} FROM platestream.inquiry_log ORDER BY at, kind DESC")
        finally:
            database.close()


@dataclass
class Three:
    """The agencies, and where the certificate is that all of them trust."""

    sjpd: Agency
    jersey: Agency
    virginia: Agency
    certificate: Path


@pytest.fixture(scope="module")
def three(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    folder = tmp_path_factory.mktemp("agencies")
    made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "k.pem"), "-out", str(folder / "c.pem")]
    subprocess.run(["openssl", "req", *made, *named, *files], check=True, capture_output=True)
    sjpd = Agency("sjpd", "AZ", "st-johns", folder / "sjpd", own_key(31))
    jersey = Agency("jersey", "NJ", "new-jersey", folder / "jersey", own_key(32))
    virginia = Agency("virginia", "VA", "virginia", folder / "virginia", own_key(33))
    slow, dead = (
        agency(name, own_key(34 + n), address=f"https://localhost:{free_port()}")
        for n, name in enumerate(("slow", "dead"))
    )
    silent = socket.create_server(("127.0.0.1", int(slow.address.rsplit(":", 1)[1])))
    sjpd.lay_out(migrated, [jersey.record, virginia.record, slow, dead], "ABC1230")
    jersey.lay_out(migrated, [sjpd.record], "ABC1231")
    virginia.lay_out(migrated, [sjpd.record], "ABC1232")
    for one in (jersey, virginia):
        one.start(folder / "c.pem")
    try:
        yield Three(sjpd, jersey, virginia, folder / "c.pem")
    finally:
        for one in (jersey, virginia):
            one.stop()
        silent.close()


def test_a_client_that_nobody_here_wrote_signs_by_the_standards_and_is_answered(
    three: Three, tmp_path: Path
) -> None:
    for program in ("openssl", "curl"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program}")
    key, body, theirs = (tmp_path / name for name in ("key.pem", "body.json", "theirs.pem"))
    theirs.write_text(f"-----BEGIN PUBLIC KEY-----\n{three.jersey.key.public}\n-----END PUBLIC KEY-----\n")
    key.write_bytes(
        three.sjpd.key.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    asked = inquiry("ABC*", agency="sjpd", person="curl", case_number=CASE)
    body.write_bytes(msgspec.json.encode(asked))

    def ask(ident: str, what: str = "inquiries") -> tuple[str, Any]:
        url = f"{three.jersey.address}/partner/v1/{what}"
        command = ["sh", str(CLIENT), url, str(key), str(body), str(three.certificate), ident, str(theirs)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr
        result, status = ran.stdout.strip().rsplit("\n", 1)
        return status, json.loads(result)

    one = str(uuid4())
    status, result = ask(one)
    assert (status, [each["plate"] for each in result["reads"]]) == ("200 signed", ["ABC1231"])
    assert ask(one)[0] == "401 unsigned", "the same id again"
    assert ask("no-uuid")[0] == "401 unsigned"
    body.write_bytes(msgspec.json.encode(inquiry("ABC*", agency="sjpd", person="curl", case_number="")))
    status, result = ask(str(uuid4()))
    assert (status, "neither case number nor reason" in result["detail"]) == ("403 signed", True)
    offer, number = str(uuid4()), time.time_ns() // 1_000_000
    person = {"agency": "sjpd", "person": "curl", "trained_on": f"{NOW - 40 * DAY:%Y-%m-%d}"}
    entry = {
        **{
            "category": "stolen_vehicle",
            "plate": "CURL123",
            "case_number": CASE,
            "reason": "Taken at gunpoint",
        },
        **{"requested_by": "Dep. Nez", "contact": "928-555-0101", "instructions": "P/C for arrest"},
        "expires_at": f"{NOW + DAY:%Y-%m-%dT%H:%M:%SZ}",
    }
    body.write_text(json.dumps({"asker": person, "number": number, "offer_id": offer, "entry": entry}))
    assert ask(str(uuid4()), "offers") == ("200 signed", {"offer_id": offer, "decision": "taken"})
    assert list(three.jersey.taken) == ["CURL123"]
    body.write_text(json.dumps({"agency": "sjpd", "number": number + 1, "offers": []}))
    assert ask(str(uuid4()), "standing") == ("200 signed", {"offers": []})
    assert three.jersey.taken == {}
    assert ask(str(uuid4()), "standing")[0] == "409 signed", "not newer than what it said"


@pytest.mark.nightly
def test_one_search_asks_all_shows_what_comes_as_it_comes_and_every_agency_has_its_own_record(
    three: Three,
) -> None:
    began = time.monotonic()
    ran = three.sjpd.run("search", "ABC123*", "--case", CASE, "--agencies", "all", "--json")
    assert ran.returncode == 0, ran.stderr
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(row.get("agency"), row["plate"]) for row in rows] == [(None, "ABC1230"), ("jersey", "ABC1231")]
    said = {line.split()[0]: line for line in ran.stderr.splitlines() if line.split()[0] in SAID}
    for name, words in SAID.items():
        assert words in said[name], ran.stderr
    assert list(said)[-1] == "slow", "nobody waits for the slow one"
    assert time.monotonic() - began < DEADLINE + 60
    three.jersey.stop()
    three.virginia.stop()
    assert three.jersey.log("who, agency, partner, kind, outcome, case_number, pattern")[-1] == (
        *(f"sjpd/{ME}", "sjpd", "sjpd", "search", "allowed", CASE, "ABC123*"),
    )
    (theirs,) = three.virginia.log("who, outcome, refusal")
    assert theirs[:2] == (f"sjpd/{ME}", "refused")
    assert "another state" in theirs[2]
    ours = three.sjpd.log("kind, other, outcome, change")
    assert ours[:2] == [
        ("search", "", "allowed", ""),
        ("partner_search", "search", "allowed", "asked: dead, jersey, slow, virginia"),
    ]
    assert {row[1] for row in ours[2:]} == {"dead", "jersey", "slow", "virginia"}
    assert {row[0] for row in ours[2:]} == {"partner_answer"}


ENTRY = {
    **{"category": "stolen_vehicle", "case_number": CASE, "reason": "Taken at gunpoint"},
    **{"requested_by": "Ofc. Vale", "contact": "928-555-0114", "instructions": "P/C for arrest"},
    "expires_at": f"{NOW + 9 * DAY:%Y-%m-%d}",
}
DOWN_S = float(os.environ.get("DOWN", "2"))


@pytest.mark.nightly
def test_between_whole_processes_an_entry_is_taken_hits_come_back_and_it_ends_though_one_was_down(
    three: Three,
) -> None:
    sjpd, jersey = three.sjpd, three.jersey
    with sjpd.acting() as door:
        for name in ("LIST1", "LIST2"):
            fields = {**ENTRY, "reference": name, "plate": name}
            entries.add(door, "sjpd", fields, datetime.now(UTC), back=False)
            offers.offer(door, f"sjpd:{name}", ["jersey"], datetime.now(UTC))
    for one in (jersey, sjpd):
        if one.process is None:
            one.start(three.certificate)
    try:
        wait_until(lambda: set(jersey.taken) == {"LIST1", "LIST2"}, 180, "entries at the other agency")
    except TimeoutError as late:
        with offers.lists(Settings(data=sjpd.data)).reading() as kept:
            offered = kept.offered.all()
        logs = [(one.folder / "log").read_text() for one in (sjpd, jersey)]
        raise AssertionError("\n".join((f"{late}: {list(jersey.taken)}", str(offered), *logs))) from None

    seen = msgspec.structs.replace(read(timedelta(), "elm", plate="LIST1"), captured_at=datetime.now(UTC))
    hit = match_entry(seen, msgspec.structs.replace(jersey.taken["LIST1"], listed_at=None))
    assert hit is not None
    publish(jersey.streams, topics.ALERT_HITS, [hit])
    wait_until(lambda: any(sjpd.streams.read_to_end(topics.ALERT_HITS)), 60, "the hit at the first agency")
    (came,) = map(topics.ALERT_HITS.decode, sjpd.streams.read_to_end(topics.ALERT_HITS))
    assert (came.agency, came.detection.camera_id, came.entry.entry_id) == (
        *("jersey", "jersey/elm", "sjpd:LIST1"),
    )

    began = time.monotonic()
    publish(sjpd.streams, topics.HOTLIST, [HotListChange("sjpd:LIST1", None)])  # as `hotlist remove` does
    wait_until(lambda: set(jersey.taken) == {"LIST2"}, 60, "the end at the other agency")
    alive = time.monotonic() - began
    jersey.stop()
    publish(sjpd.streams, topics.HOTLIST, [HotListChange("sjpd:LIST2", None)])
    time.sleep(DOWN_S)
    assert set(jersey.taken) == {"LIST2"}
    jersey.start(three.certificate)
    began = time.monotonic()
    wait_until(lambda: jersey.taken == {}, 60, "the end at the agency that was down")
    print(f"gone after {alive:.1f} s, and {time.monotonic() - began:.1f} s after it was up again")

    def all_told() -> bool:
        with offers.lists(Settings(data=sjpd.data)).reading() as kept:
            return [one.untold_since for one in kept.offered.all()] == [None, None]

    wait_until(all_told, 60, "that it was told is known")
    for one in (sjpd, jersey):
        one.stop()


SAID = {
    "jersey": "answered with 1 reads",
    "virginia": "refused: an agency of another state",
    "dead": "could not be reached: nothing answers at its address",
    "slow": "did not answer in time",
}
