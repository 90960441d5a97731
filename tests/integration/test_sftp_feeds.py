"""Feeds that are fetched from a real OpenSSH server and imported; and what an outsider tries there."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from platestream.access import registry, signing_keys
from platestream.hotlist.feed_health import FOLDER, feed_faults, read_health
from platestream.hotlist.feed_job import FeedJob
from platestream.hotlist.files.column_map import ColumnMap
from platestream.hotlist.files.formats import parser_of
from platestream.hotlist.intake import import_file
from platestream.hotlist.list_changes import listed
from platestream.hotlist.manifest import Extent, manifest_of, sign
from platestream.hotlist.origin import Delivery
from platestream.hotlist.sftp import fetch
from platestream.runtime.sftp import Remote, Sftp, SftpError
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.openssh import SftpServer, make_key, sftp_server

MAP = """
delimiter = "|"
category = "stolen_vehicle"
[columns]
action = 1
NIC = 2
LIC = 3
LIS = 4
"""


class Station:
    """An agency whose feed of `ncic` is fetched from a server; Lee starts its job."""

    def __init__(self, database: Database, server: SftpServer, folder: Path) -> None:
        staffed(database, person("lee", "administrator"))
        self.database, self.server, self.lee = database, server, door_of(database, "lee")
        self.data, self.signer = self.lee.settings.data, folder / "signer.pem"
        key = Ed25519PrivateKey.generate()
        self.signer.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.register(feed_key=signing_keys.public_text(key.public_key()))
        self.home = self.data / FOLDER
        self.home.mkdir(exist_ok=True)
        (self.home / "ssh_key").write_bytes(server.key.read_bytes())
        (self.home / "ssh_key").chmod(0o600)
        (self.home / "known_hosts").write_text(server.known)
        self.done: list[str] = []
        self.failed: list[str] = []
        self.now = datetime.now(UTC)
        self.restart()

    def register(self, **changes: object) -> None:
        fields = {"feed_place": self.server.place, "feed_layout": "map", "feed_every_minutes": 60, **changes}
        fields["feed_map"] = ColumnMap.read(MAP).to_text()
        record = RegistryRecord(kind="hotlist_source", id="ncic", name="NCIC", **fields)  # type: ignore[arg-type]
        registry.designate(self.lee, record, datetime.now(UTC))

    def restart(self) -> None:
        self.job = FeedJob(
            self.lee,
            lambda _name, _plan: None,
            lambda _source, made: self.done.append(made.plan.summary),
            lambda _source, fault: self.failed.append(fault),
        )

    def offer(self, number: int, extent: Extent, *lines: str, key: Path | None = None) -> Path:
        path = self.server.out / f"ncic-{number:04}.txt"
        path.write_text("".join(f"{line}\n" for line in lines))
        self.signed_at = datetime.now(UTC) + timedelta(milliseconds=number)
        sign(path, "ncic", key or self.signer, self.signed_at, extent, number)
        return path

    def visit(self) -> None:
        self.now += timedelta(minutes=11)
        self.job.run_once(self.now)

    @property
    def plates(self) -> dict[str, str]:
        return {name.removeprefix("ncic:"): one.plate for name, one in listed(self.lee.streams).items()}

    @property
    def feed(self) -> RegistryRecord:
        return registry.records_of(self.lee.streams, "hotlist_source")["ncic"]

    @property
    def faults(self) -> list[str]:
        return list(feed_faults(self.data, registry.records(self.lee.streams), self.now))

    def refused(self) -> list[str]:
        rows = self.database.rows(
            "SELECT refusal FROM platestream.inquiry_log "
            "WHERE kind = 'hotlist_import' AND outcome != 'allowed' ORDER BY at"
        )
        return [text for (text,) in rows]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with sftp_server(tmp_path / "ssh") as made:
        yield made


@pytest.fixture
def station(database: Database, server: SftpServer, tmp_path: Path) -> Station:
    return Station(database, server, tmp_path)


def test_full_files_and_deltas_come_by_sftp_and_a_restart_takes_nothing_twice(station: Station) -> None:
    station.offer(1, "full", "A|V1|AST3087|AZ", "A|V2|GHN5182|AZ")
    station.visit()
    assert station.plates == {"V1": "AST3087", "V2": "GHN5182"}
    station.offer(2, "delta", "D|V2||", "A|V3|XYZ1234|NM")
    station.offer(3, "delta", "C|V3|XYZ1235|NM")
    station.visit()
    assert station.plates == {"V1": "AST3087", "V3": "XYZ1235"}
    assert (station.feed.feed_sequence, station.faults) == (3, [])
    done = len(station.done)
    station.restart()
    station.visit()
    assert len(station.done) == done == 3
    started = "SELECT count() FROM platestream.inquiry_log WHERE change LIKE 'starts the job%'"
    assert station.database.rows(started) == [(2,)], "an act for each start, and none for a visit"
    assert sorted(path.name for path in (station.home / "ncic").iterdir()) == []
    assert station.refused() == []


def test_a_gap_is_named_and_on_record_once_and_a_full_file_ends_it(station: Station) -> None:
    station.offer(1, "full", "A|V1|AST3087|AZ")
    station.visit()
    station.offer(3, "delta", "A|V3|XYZ1234|NM")
    station.visit()
    station.visit()
    assert station.plates == {"V1": "AST3087"}
    (refusal,) = station.refused()
    assert "file 2 is missing before the delta 3: ask the list's owner for a full file" in refusal
    assert station.faults == [
        "the newest file of ncic was not imported: "
        "file 2 is missing before the delta 3: ask the list's owner for a full file"
    ]
    station.offer(4, "full", "A|V1|AST3087|AZ", "A|V3|XYZ1234|NM")
    station.visit()
    assert station.plates == {"V1": "AST3087", "V3": "XYZ1234"}
    assert station.faults == []


def test_what_another_key_signed_or_nobody_is_refused_and_on_record_and_blocks_nothing(
    station: Station, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    key = Ed25519PrivateKey.generate()
    other.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    station.offer(999, "full", "A|EVIL|AST3087|AZ", key=other)
    (station.server.out / "loose.txt").write_text("A|EVIL|AST3087|AZ\n")
    station.offer(1, "full", "A|V1|GHN5182|AZ")
    for _visit in range(3):
        station.visit()
    assert station.plates == {"V1": "GHN5182"}
    assert len(station.refused()) == 2
    assert any("not signed by the key of `ncic`" in one for one in station.refused())
    assert any("no signature came with this one" in one for one in station.refused())


def test_a_file_that_was_exchanged_on_the_server_is_refused(station: Station) -> None:
    path = station.offer(1, "full", "A|V1|GHN5182|AZ")
    path.write_text("A|V1|GHN5182|AZ\nA|EVIL|AST3087|AZ\n")
    station.visit()
    assert station.plates == {}
    assert any("the signature is of another file" in one for one in station.refused())


@pytest.mark.nightly
def test_a_file_that_would_empty_the_list_is_held_until_the_administrator_forces_it(station: Station) -> None:
    station.offer(1, "full", *[f"A|V{number}|AST30{number}|AZ" for number in range(10, 20)])
    station.visit()
    station.offer(2, "full", "A|V10|AST3010|AZ")
    station.visit()
    station.restart()
    station.visit()
    assert len(station.plates) == 10
    assert "9 of 10 entries are gone, over 20%" in station.faults[0]
    held = station.home / "ncic" / "ncic-0002.txt"
    assert held.is_file(), "the held file is there for a person to look at"
    with held.open("rb") as file:
        brought = Delivery("map", None, manifest_of(held))
        parser = parser_of(station.feed, "map")
        why = "The state police confirmed that nine vehicles were recovered"
        import_file(
            station.lee, file, held.name, "ncic", parser, datetime.now(UTC), brought=brought, force=why
        )
    station.visit()
    assert station.plates == {"V10": "AST3010"}
    assert (station.faults, held.exists()) == ([], False)


def test_the_server_s_own_key_and_ours_are_asked(station: Station, tmp_path: Path) -> None:
    station.offer(1, "full", "A|V1|AST3087|AZ")
    make_key(tmp_path / "another")
    host = (tmp_path / "another.pub").read_text().split()
    (station.home / "known_hosts").write_text(f"[127.0.0.1]:{station.server.port} {host[0]} {host[1]}\n")
    station.visit()
    assert "Host key verification failed" in station.failed[-1]
    (station.home / "known_hosts").write_text(station.server.known)
    (station.home / "ssh_key").write_bytes((tmp_path / "another").read_bytes())
    station.visit()
    assert "sftp to 127.0.0.1 failed" in station.failed[-1]
    assert station.plates == {}
    (station.home / "ssh_key").unlink()
    station.visit()
    assert "ssh_key is not there" in station.failed[-1]


@pytest.mark.nightly
def test_a_server_that_is_down_is_a_fault_and_the_feed_is_late_after_twice_its_time(station: Station) -> None:
    station.offer(1, "full", "A|V1|AST3087|AZ")
    station.visit()
    station.server.stop()
    station.visit()
    (fault,) = station.faults
    assert fault.startswith("the newest file of ncic was not imported: sftp to 127.0.0.1 failed")
    station.now += timedelta(hours=2)
    (fault,) = station.faults
    assert fault.startswith("the feed of ncic is late, last imported 2.")
    station.server.start()
    station.offer(2, "delta")
    station.visit()
    assert station.faults == []
    health = read_health(station.data, "ncic")
    assert health is not None
    assert health.checked_at == station.now


def test_names_and_links_of_the_server_reach_no_other_file(station: Station) -> None:
    out = station.server.out
    for name in ("-odd", ".hidden", 'quo"te', "bl ank", "semi;colon", "line\nbreak"):
        (out / name).write_text("A|EVIL|AST3087|AZ\n")
        (out / f"{name}.sig").write_text("{}")
    os.symlink("/etc/passwd", out / "passwd")
    (out / "passwd.sig").write_text("{}")
    station.offer(1, "full", "A|V1|AST3087|AZ")
    station.visit()
    assert station.plates == {"V1": "AST3087"}
    assert [path.name for path in (station.home / "ncic").iterdir()] == []
    assert all("EVIL" not in name for name in station.plates)


def test_a_file_larger_than_the_limit_is_not_stored(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.hotlist.sftp.LARGEST", 100_000)
    station.offer(1, "full", *["A|V1|AST3087|AZ"] * 20_000)
    station.visit()
    assert station.plates == {}
    assert "sftp to 127.0.0.1 failed" in station.failed[-1]


@pytest.mark.nightly
def test_a_kill_amid_a_fetch_leaves_no_part_of_a_file(station: Station) -> None:
    station.offer(1, "full", "A|V1|AST3087|AZ")
    folder = station.home / "ncic"
    (folder / ".incoming").mkdir(parents=True)
    (folder / ".incoming" / "ncic-0001.txt").write_text("A|V1|AST")
    (folder / "ncic-0001.txt").write_text("A|V1|AST3087|AZ\nA|V2")
    station.visit()
    assert station.plates == {"V1": "AST3087"}


def test_a_person_s_configuration_of_ssh_is_not_read(station: Station, tmp_path: Path) -> None:
    made = fetch(station.feed, station.home, tmp_path / "into")
    assert (made.unsigned, made.refused) == (frozenset(), ())
    remote, home = Remote.parse(station.server.place), station.home
    hasty = Sftp(remote, home / "ssh_key", home / "known_hosts", tmp_path, seconds=0.001)
    with pytest.raises(SftpError, match="did not finish"):
        hasty.names()
    agent = subprocess.run(["ssh", "-V"], capture_output=True, check=True, text=True)
    assert "OpenSSH" in agent.stderr


@pytest.mark.parametrize(
    "place",
    [
        "sftp://host/x", "sftp://-oProxyCommand=x@host/x", "sftp://a@-oProxyCommand=x/x", "sftp://a:b@host/x",
        'sftp://a@host/x"y', "sftp://a@host/x\ny", "sftp://a@host:port/x", "sftp://a@host/x?y", "ftp://a@host/x",
        "sftp://a@host/`id`", "sftp://a@host",
    ],
)  # fmt: skip
def test_a_place_is_a_plain_address(place: str) -> None:
    with pytest.raises(RefusedError, match="sftp://user@host"):
        Remote.parse(place)


def test_a_feed_on_another_machine_needs_a_key(station: Station) -> None:
    with pytest.raises(RefusedError, match="register their key"):
        station.register(feed_key="")
