"""The published log over real seals: what is put out, what is refused, and who finds what out."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from platestream.edges import inquiry_log
from platestream.edges.clickhouse_client import SEALER
from platestream.edges.inquiry_log import SEAL_COLUMNS, SEAL_TYPES, read_seals
from platestream.merkle import tiles
from platestream.merkle.checkpoint import open_checkpoint
from platestream.merkle.note import parse
from platestream.schemas.inquiry import FIRST, chain
from platestream.transparency_log import inquiry_proof as proving
from platestream.transparency_log import leaves
from platestream.transparency_log import log_export as inquiry_export
from platestream.transparency_log.config import LogError
from platestream.transparency_log.published_folder import PublishedFolder
from platestream.transparency_log.publisher_state import BusyError
from platestream.transparency_log.verify import reader_of, verify_database, verify_proof, verify_published
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.published import Agency, Street


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Agency:
    return Agency(database, tmp_path / "log")


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Street:
    return Street(monkeypatch, tmp_path / "witnesses")


def rewritten(database: Database, change: Callable[[Any], Any]) -> None:
    """What an owner of the machine does who knows how it works: rows, seals and their chain, all anew."""
    owner = database.client()
    found = [(seal, rows[0]) for seal, rows in read_seals(owner, 1, 10_000)]
    changed = [change(inquiry) for _seal, inquiry in found]
    owner.command("TRUNCATE TABLE platestream.inquiry_seals")
    for _seal, inquiry in found:
        other = change(inquiry)
        if other != inquiry:
            owner.command(
                "ALTER TABLE platestream.inquiry_log UPDATE reason = {reason:String} "
                "WHERE inquiry_id = {id:UUID} SETTINGS mutations_sync = 2",
                parameters={"reason": other.reason, "id": inquiry.inquiry_id},
            )
    rows = [
        (one.seal, seal.entry, seal.inquiry_id, seal.at, one.previous, one.hash)
        for (seal, _inquiry), one in zip(found, chain(changed, 0, FIRST), strict=True)
    ]
    owner.insert(
        "platestream.inquiry_seals", rows, column_names=list(SEAL_COLUMNS), column_type_names=list(SEAL_TYPES)
    )


def innocent(inquiry: Any) -> Any:
    """The one look that should not have been, explained away."""
    if inquiry.reason != "my neighbour's car":
        return inquiry
    return msgspec.structs.replace(inquiry, reason="burglary at 12 Elm")


def with_key_of(log: Agency, folder: Path) -> Agency:
    """Another log of the same database under the same key: what an owner of the machine can make."""
    other = Agency(log.database, folder)
    other.found.state.root.mkdir(parents=True)
    (other.found.state.root / "key").write_text((log.found.state.root / "key").read_text())
    return other


def test_a_head_of_what_is_sealed_grows_and_outsiders_can_check_it(log: Agency) -> None:
    assert log.publish().head.size == 0, "before anything is sealed there is nothing to sign"
    log.ask(3)
    first = log.publish()
    assert (first.head.size, first.new, first.altered) == (3, 3, ())
    kept = log.checkpoint
    assert log.publish().new == 0
    assert log.checkpoint == kept, "one size has one head"
    log.ask(300)
    assert log.publish().head.size == 303
    assert log.verified(kept).faults == []
    assert open_checkpoint(log.found.folder.read("head/303"), log.key)[0].size == 303
    assert not (log.found.folder.root / "tile/0/000.p").exists(), "narrower versions of a full tile are gone"
    assert verify_database(log.database.client(SEALER), log.found, log.key) is not None


def test_only_new_seals_are_read_to_extend_it(log: Agency, monkeypatch: pytest.MonkeyPatch) -> None:
    log.ask(20)
    log.publish()
    log.ask(2)
    asked: list[int] = []
    read: list[str] = []
    real_seals, real_file = inquiry_log.read_seals, PublishedFolder.read

    def read_seals(client: Any, first: int, count: int) -> Any:
        asked.append(first)
        return real_seals(client, first, count)

    def read_file(self: PublishedFolder, path: str) -> bytes:
        read.append(path)
        return real_file(self, path)

    monkeypatch.setattr(leaves, "read_seals", read_seals)
    monkeypatch.setattr(PublishedFolder, "read", read_file)
    log.publish()
    assert asked == [21, 23]
    assert {path for path in read if "tile" in path} == {"tile/entries/000.p/20", "tile/0/000.p/20"}


def test_what_is_published_tells_nothing_of_an_inquiry_and_everybody_may_read_it(log: Agency) -> None:
    fields = {"pattern": "CKR4572", "case_number": "26-001234", "reason": "stolen vehicle of Vale"}
    log.ask(2, **fields)
    log.publish()
    for file in log.found.folder.root.rglob("*"):
        assert stat.S_IMODE(file.stat().st_mode) == (0o755 if file.is_dir() else 0o644), file
        if file.is_file():
            content = file.read_bytes()
            assert not any(word.encode() in content for word in fields.values())
    bundle = list(tiles.entries(log.found.folder.read("tile/entries/000.p/2")))
    rows = [rows[0].to_json() for _seal, rows in read_seals(log.database.client(), 1)]
    guessed = {leaves.commitment(salt, row) for row in rows for salt in (b"", bytes(32))}
    assert not guessed & set(bundle), "whoever guesses an inquiry cannot try the guess"
    salts = leaves.salts(log.database.client(SEALER), 1, 2)
    assert len({*salts.values()}) == 2
    assert [leaves.commitment(salts[number], row) for number, row in enumerate(rows, 1)] == bundle
    assert stat.S_IMODE((log.found.state.root / "key").stat().st_mode) == 0o600


def test_one_inquiry_is_proven_without_the_others_and_an_altered_one_is_not(log: Agency) -> None:
    log.ask(5)
    inquiry = log.database.ask(pattern="CKR4572", reason="stolen vehicle")
    log.ask(5)
    log.publish()
    door = door_of(log.database)
    files = proving.prove(door, log.found, inquiry, reason="records request 26-118")
    assert verify_proof(files, log.key).faults == []
    assert json.loads(files["inquiry.json"])["pattern"] == "CKR4572"
    sealed = {str(rows[0].inquiry_id) for _seal, rows in read_seals(log.database.client(), 1)}
    assert not any(one.encode() in b"".join(files.values()) for one in sealed - {str(inquiry)})
    for name, content in files.items():
        if name != "proof":
            changed = {**files, name: bytes([content[0] ^ 1]) + content[1:]}
            assert verify_proof(changed, log.key).faults == ["the inquiry is not the entry that is proven"]
    done = log.database.rows("SELECT kind, other FROM platestream.inquiry_log")
    assert ("audit_prove", str(inquiry)) in done
    late = log.database.ask()
    with pytest.raises(LogError, match="is sealed"):
        proving.prove(door, log.found, late, reason="records request 26-118")
    log.database.client().command(
        "ALTER TABLE platestream.inquiry_log UPDATE reason = 'other' WHERE pattern = 'CKR4572' "
        "SETTINGS mutations_sync = 2"
    )
    with pytest.raises(LogError, match="not what was published"):
        proving.prove(door, log.found, inquiry, reason="records request 26-118")


def test_who_writes_rows_and_seals_anew_is_found_out_by_whoever_kept_one_head(
    log: Agency, tmp_path: Path
) -> None:
    """The owner of the machine has every table, every file and the key: only what others hold is beyond."""
    log.ask(4)
    log.ask(1, reason="my neighbour's car")
    log.publish()
    kept = log.checkpoint
    log.ask(4)
    log.publish()
    rewritten(log.database, innocent)
    with pytest.raises(LogError, match="is not the one that was published"):
        log.publish()
    forged = with_key_of(log, tmp_path / "forged")
    log.database.client().command("TRUNCATE TABLE platestream.inquiry_salts")
    assert forged.publish().head.size == 9, "with the key a whole other log can be made"
    assert forged.verified().faults == [], "which is whole in itself"
    assert forged.verified(kept).faults == [
        "the log was written anew: its first 5 entries are not those of the older head"
    ]


def test_what_a_witness_cosigned_cannot_be_cosigned_otherwise(
    log: Agency, street: Street, tmp_path: Path
) -> None:
    log.with_witnesses(street.witness("auditor", log.key), street.witness("paper", log.key))
    log.ask(1, reason="my neighbour's car")
    assert log.publish().cosigned == ("auditor.example", "paper.example")
    rewritten(log.database, innocent)
    log.database.client().command("TRUNCATE TABLE platestream.inquiry_salts")
    for said in ("has seen another head of 1 entries", "does not go on from the one that it has seen"):
        forged = with_key_of(log, tmp_path / said)
        forged.with_witnesses(*log.found.witnesses)
        with pytest.raises(LogError, match=rf"auditor\.example .*{said}"):
            forged.publish()
        assert forged.found.folder.find("checkpoint") is None
        log.ask(1)


def test_a_dead_witness_holds_nothing_up_and_is_told_of(log: Agency, street: Street) -> None:
    log.with_witnesses(street.witness("auditor", log.key), street.witness("paper", log.key))
    street.up.remove("paper")
    log.ask(2)
    published = log.publish()
    assert published.cosigned == ("auditor.example",)
    assert published.silent == ("paper.example does not answer (ConnectError)",)
    assert log.found.state.witnesses.read()["paper.example"].failed_since
    street.up.add("paper")
    assert log.publish().cosigned == ("auditor.example", "paper.example"), "asked again for the same head"
    names = [one.name for one in parse(log.checkpoint).signatures]
    assert names == [log.key.name, "auditor.example", "paper.example"]
    street.up.clear()
    log.publish()
    assert [one.name for one in parse(log.checkpoint).signatures] == names, "what was cosigned stays"


def test_a_database_of_an_older_backup_signs_nothing(log: Agency) -> None:
    log.ask(6)
    log.publish()
    before = log.checkpoint
    owner = log.database.client()
    owner.command(
        "ALTER TABLE platestream.inquiry_log DELETE WHERE entry IN "
        "(SELECT entry FROM platestream.inquiry_seals WHERE seal > 4) SETTINGS mutations_sync = 2"
    )
    owner.command("ALTER TABLE platestream.inquiry_seals DELETE WHERE seal > 4 SETTINGS mutations_sync = 2")
    with pytest.raises(LogError, match=r"ends at seal 4\. If the database .* restored from a backup"):
        log.publish()
    log.ask(5)  # sealed under the numbers of those that were lost
    with pytest.raises(LogError, match=r"seal 6 in the database is not the one"):
        log.publish()
    assert log.checkpoint == before
    run = log.found.state.last_run()
    assert run is not None
    assert "seal 6" in run.refused


def test_a_machine_of_an_older_backup_signs_nothing(log: Agency, street: Street, tmp_path: Path) -> None:
    """Database and private folder both are yesterday's: what is published, or a witness, tells."""
    log.with_witnesses(street.witness("auditor", log.key))
    log.ask(2)
    log.publish()
    yesterday = (log.found.state.root / "signed.json").read_bytes()
    witnesses = (log.found.state.root / "witnesses.json").read_bytes()
    shown = {path: path.read_bytes() for path in log.found.folder.root.rglob("*") if path.is_file()}
    log.ask(2)
    log.publish()
    owner = log.database.client()
    for table in ("inquiry_seals", "inquiry_salts"):
        owner.command(f"ALTER TABLE platestream.{table} DELETE WHERE seal > 2 SETTINGS mutations_sync = 2")
    log.ask(3)
    (log.found.state.root / "signed.json").write_bytes(yesterday)
    (log.found.state.root / "witnesses.json").write_bytes(witnesses)
    with pytest.raises(LogError, match=r"a head of 4 entries is published, .* has 2"):
        log.publish()
    for path, content in shown.items():  # the published folder, too
        path.write_bytes(content)
    with pytest.raises(LogError, match=r"auditor\.example has seen a head of 4 entries"):
        log.publish()


def test_a_salt_of_an_inquiry_that_was_lost_is_not_used_again(log: Agency) -> None:
    """Else the proof of the new one would give away the salt of the lost one, whose entry is published."""
    log.ask(3)
    log.publish()
    owner = log.database.client()
    owner.command("ALTER TABLE platestream.inquiry_seals DELETE WHERE seal = 3 SETTINGS mutations_sync = 2")
    owner.command("TRUNCATE TABLE platestream.inquiry_log")
    old = log.database.value("SELECT salt FROM platestream.inquiry_salts WHERE seal = 3")
    log.ask(1)
    other = Agency(log.database, log.found.state.root.parent / "other")
    assert other.publish().head.size == 3
    assert leaves.salts(log.database.client(SEALER), 1, 3)[3].hex() != old


@pytest.mark.parametrize("when", ["tiles", "signed", "head", "checkpoint"])
def test_a_kill_at_any_moment_leaves_a_log_that_goes_on(
    log: Agency, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    log.ask(3)
    log.publish()
    first = log.checkpoint
    log.ask(4)

    class Killed(BaseException):
        pass

    with monkeypatch.context() as patched:
        real = PublishedFolder.write

        def write(self: PublishedFolder, path: str, content: bytes) -> None:
            if path.startswith("tile/0") and when == "tiles":
                raise Killed
            if path.startswith("head/") and when in ("signed", "head"):
                if when == "head":
                    real(self, path, content)
                raise Killed
            if path == "checkpoint":
                raise Killed
            real(self, path, content)

        patched.setattr(PublishedFolder, "write", write)
        with pytest.raises(Killed):
            log.publish()
    signed = log.found.state.signed()
    assert signed is not None
    assert log.checkpoint == first
    log.ask(2)
    heads = [open_checkpoint(signed.note.encode(), log.key)[0]]
    published = log.publish()
    assert published.head.size == 9
    assert log.verified(first).faults == []
    assert log.verified(signed.note.encode()).faults == [], (heads, "a head that was signed is a beginning")


def test_of_two_publishers_at_once_one_is_told_to_wait(log: Agency) -> None:
    log.ask(1)
    with log.found.state.lock(), pytest.raises(BusyError):
        log.publish()
    assert log.publish().head.size == 1


@pytest.mark.parametrize("harm", ["gone", "other", "foreign"])
def test_tiles_that_are_not_those_of_the_head_are_never_signed_over(log: Agency, harm: str) -> None:
    log.ask(3)
    log.publish()
    tile = log.found.folder.root / "tile/0/000.p/3"
    if harm == "gone":
        tile.unlink()
    elif harm == "other":
        tile.write_bytes(bytes(96))
    else:
        (log.found.state.root / "key").rename(log.found.state.root / "lost")
        (log.found.state.root / "signed.json").unlink()
    log.ask(1)
    said = {"gone": "missing or damaged", "other": "not those of the last", "foreign": "another log or key"}
    with pytest.raises(LogError, match=said[harm]):
        log.publish()


def test_an_inquiry_that_was_altered_before_it_was_published_is_certified_as_nothing(log: Agency) -> None:
    log.ask(2)
    log.ask(1, pattern="ALTERED")
    log.database.client().command(
        "ALTER TABLE platestream.inquiry_log UPDATE reason = 'other' WHERE pattern = 'ALTERED' "
        "SETTINGS mutations_sync = 2"
    )
    assert log.publish().altered == (3,)
    (leaf,) = leaves.read(log.database.client(SEALER), 3)
    assert leaf.content == b"null"


def test_an_auditor_who_reads_the_whole_log_sees_what_is_not_in_it(log: Agency, tmp_path: Path) -> None:
    log.ask(4)
    log.publish()
    file = tmp_path / "export.jsonl"
    with file.open("wb") as target:
        inquiry_export.write(log.database.client(SEALER), target)
    lines = file.read_bytes().splitlines()
    read = reader_of(str(log.found.folder.root))
    assert verify_published(read, log.key, None, lines).faults == []
    assert b"CKR4572" not in b"".join(lines), "absent: these lines are all of the log, by its signed head"
    hidden = [line for line in lines if b'"seal":3' not in line]
    assert verify_published(read, log.key, None, hidden).faults == [
        "seal 3 is published, and not in the export"
    ]
    other = [line.replace(b"stolen vehicle", b"other vehicle!") for line in lines]
    assert len(verify_published(read, log.key, None, other).faults) == 4


def test_what_expired_leaves_its_entry_and_no_salt(log: Agency) -> None:
    """As the TTL of the three tables takes it: the log goes on, and its entries stay."""
    log.ask(5)
    log.publish()
    kept = log.checkpoint
    owner = log.database.client()
    old = "SELECT entry FROM platestream.inquiry_seals WHERE seal <= 2"
    entries = [row[0] for row in log.database.rows(old)]
    for table, where in (
        ("inquiry_log", "entry IN {entries:Array(UUID)}"),
        ("inquiry_seals", "seal <= 2"),
        ("inquiry_salts", "seal <= 2"),
    ):
        owner.command(
            f"ALTER TABLE platestream.{table} DELETE WHERE {where} SETTINGS mutations_sync = 2",
            parameters={"entries": entries},
        )
    log.ask(2)
    assert log.publish().head.size == 7
    assert log.verified(kept).faults == []
    compared = verify_database(log.database.client(SEALER), log.found, log.key)
    assert compared is not None
    assert compared.faults == []
    assert 1 not in leaves.salts(log.database.client(SEALER), 1, 7)
