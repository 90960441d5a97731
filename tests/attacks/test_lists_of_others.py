"""Attempts to change the lists of other agencies and of NCIC: files, manifests, feeds and jobs."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from platestream.access import registry, signing_keys
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.changelog import publish
from platestream.hotlist import entries
from platestream.hotlist.feed import Feed, FeedImport
from platestream.hotlist.files import ncic
from platestream.hotlist.files.column_map import ColumnMap
from platestream.hotlist.files.formats import own_csv, parser, parser_of
from platestream.hotlist.intake import import_file
from platestream.hotlist.list_changes import listed
from platestream.hotlist.manifest import Extent, Manifest
from platestream.hotlist.origin import Delivery
from platestream.operations import dead_letters
from platestream.runtime.clock import utc_now
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import Agency
from tests.support.database import Database, Prepared
from tests.support.door import door_of, person, staffed
from tests.support.flows import LISTED
from tests.support.hotlist_samples import ENTRY_FIELDS
from tests.support.nightly import nightly
from tests.support.stored_topics import stored_topics

HEAD = "reference,category,plate,state,instructions,other"
NCIC_LINE = "V123456789AZ001000020261124{plate}AZ26252004HOND 4DBLK"


def outside(*references: str, words: str = "P/C for arrest,R/O known to carry firearm") -> bytes:
    lines = [f"{name},stolen_vehicle,AST308{name},AZ,{words}" for name in references]
    return "\n".join([HEAD, *lines, ""]).encode()


class Office:
    """An agency whose feed of `acic` is a folder, and whose feed of `ncic` is signed; Sue is a supervisor."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.place, self.key = database, folder / "acic", folder / "feed.pem"
        self.sue, self.lee = door_of(database, "sue"), door_of(database, "lee")
        self.job = FeedImport(Feed(self.place, "acic", parser("csv")))

    def found(self) -> None:
        staffed(self.database, person("sue", "supervisor"), person("lee", "administrator"))
        self.key.write_bytes(pem(private := Ed25519PrivateKey.generate()))
        public = signing_keys.public_text(private.public_key())
        self.feed("acic", feed_place=str(self.place), feed_layout="csv")
        self.feed("ncic", feed_key=public, feed_layout="csv")

    def feed(self, source: str, **changes: str) -> None:
        record = RegistryRecord(kind="hotlist_source", id=source, name=source, **changes)  # type: ignore[arg-type]
        registry.designate(self.lee, record, utc_now())

    def look(self, seconds: float = 60) -> Any:
        return self.job.import_new(self.machine, datetime.now(UTC) + timedelta(seconds=seconds))

    @property
    def machine(self) -> Door:
        return self.lee.system_job("hotlist")

    def bring(self, content: bytes, source: str, door: Door | None = None, **changes: Any) -> Any:
        brought = Delivery("csv", changes.pop("place", None), changes.pop("manifest", None))
        file = io.BytesIO(content)
        return import_file(
            door or self.sue,
            file,
            "list.csv",
            source,
            parser("csv"),
            changes.pop("at", utc_now()),
            brought=brought,
            **changes,
        )

    def signed(
        self,
        content: bytes,
        source: str = "ncic",
        at: datetime | None = None,
        key: Path | None = None,
        number: int = 0,
        extent: Extent = "full",
    ) -> bytes:
        made = Manifest(source, sha256(content).hexdigest(), at or datetime.now(UTC), "", extent, number)
        private = load_pem_private_key((key or self.key).read_bytes(), None)
        assert isinstance(private, Ed25519PrivateKey)
        return msgspec.json.encode(made.sign(private))

    @property
    def listed(self) -> dict[str, HotListEntry]:
        return listed(self.sue.streams)

    def outcome(self, check: str) -> str:
        return Agency(self.database, self.database.data).outcomes(check)[check]


def pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The feed of `acic`, and the key of that of `ncic`."""
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="module")
def founded(migrated: Path, folder: Path) -> Prepared:
    return Prepared(migrated, folder, lambda database: Office(database, folder).found())


@pytest.fixture
def office(founded: Prepared, folder: Path, tmp_path: Path) -> Iterator[Office]:
    with founded.used(tmp_path) as database:
        made = Office(database, folder)
        made.place.mkdir()
        yield made
        made.place.rename(tmp_path / "place")  # which may be something else by now


def test_a_signed_file_and_the_job_s_folder_are_the_lists_of_their_sources(office: Office) -> None:
    content = outside("1", "2")
    assert len(office.bring(content, "ncic", manifest=office.signed(content)).plan.changed) == 2
    (office.place / "list.csv").write_bytes(outside("3", "4"))
    assert office.look() is not None
    assert set(office.listed) == {"ncic:1", "ncic:2", "acic:3", "acic:4"}
    (acic, ncic) = office.database.rows(
        "SELECT change FROM platestream.inquiry_log WHERE other LIKE '%: import' AND outcome = 'allowed' "
        "ORDER BY other"
    )
    assert f"SHA-256 {sha256(content).hexdigest()}, feed of ncic, signed" in ncic[0]
    assert f"feed of acic, place {office.place}" in acic[0]
    assert office.outcome("listed") == "held"


@pytest.mark.parametrize("force", ["", "The state police ended this list"])
@pytest.mark.parametrize("source", ["ncic", "acic"])
def test_a_file_that_a_person_brings_is_not_the_list_of_a_source_with_a_feed(
    office: Office, source: str, force: str
) -> None:
    content = outside("1", "2")
    office.bring(content, "ncic", manifest=office.signed(content))
    before = office.listed
    for door in (office.sue, office.lee):
        with pytest.raises(RefusedError, match="signed"):
            office.bring(outside("9"), source, door, force=force)
    assert office.listed == before


@pytest.mark.parametrize(
    "wrong", ["a line more", "another's key", "another source's", "an older one", "ahead", "none of it"]
)
def test_a_signature_counts_for_its_file_its_source_and_once(
    office: Office, wrong: str, tmp_path: Path
) -> None:
    first = outside("1", "2")
    early = office.signed(first)
    office.bring(first, "ncic", manifest=early)
    before, content = office.listed, outside("1", "2", "3")
    other = tmp_path / "other.pem"
    other.write_bytes(pem(Ed25519PrivateKey.generate()))
    now = datetime.now(UTC) + timedelta(seconds=2)
    manifests: dict[str, Callable[[], bytes]] = {
        "a line more": lambda: office.signed(first, at=now),
        "another's key": lambda: office.signed(content, at=now, key=other),
        "another source's": lambda: office.signed(content, "acic", at=now),
        "an older one": lambda: office.signed(content, at=utc_now() - timedelta(days=1)),
        "ahead": lambda: office.signed(content, at=now + timedelta(days=1)),
        "none of it": lambda: b"{}",
    }
    manifest = manifests[wrong]()
    with pytest.raises(RefusedError):
        office.bring(content, "ncic", manifest=manifest, at=now)
    assert office.listed == before


NUMBERS: list[tuple[int, Extent, str]] = [
    (4, "delta", "file 4 came after file 5"), (5, "delta", "file 5 came after file 5"),
    (5, "full", "file 5 came after file 5"), (0, "full", "one is not"), (0, "delta", "one is not"),
    (7, "delta", "file 6 is missing before the delta 7"), (9, "delta", "file 6 to 8 is missing"),
]  # fmt: skip


def test_a_number_counts_once_and_in_order_whoever_brings_the_file(office: Office) -> None:
    first = outside("1", "2")
    office.bring(first, "ncic", manifest=office.signed(first, number=5))
    now, delta = datetime.now(UTC) + timedelta(seconds=2), outside("3")
    for (number, extent, refusal), door in product(NUMBERS, (office.sue, office.lee)):
        manifest = office.signed(delta, at=now, number=number, extent=extent)
        with pytest.raises(RefusedError, match=refusal):
            office.bring(delta, "ncic", door, manifest=manifest, at=now)
    assert set(office.listed) == {"ncic:1", "ncic:2"}
    plan = office.bring(
        delta, "ncic", manifest=office.signed(delta, at=now, number=6, extent="delta"), at=now
    ).plan
    assert plan.summary == "1 new or changed, 0 removed, 2 unchanged, 0 doubled, 0 refused"
    assert set(office.listed) == {"ncic:1", "ncic:2", "ncic:3"}
    assert (office.outcome("listed"), office.outcome("kept")) == ("held", "held")


@pytest.mark.parametrize(
    ("removes", "wrong"),
    [(30, True), *nightly((None, True), (60, False))],
)
def test_a_delta_removes_at_most_what_is_registered_and_the_check_knows_it(
    office: Office, removes: int | None, wrong: bool
) -> None:
    key = registry.records_of(office.lee.streams, "hotlist_source")["ncic"].feed_key
    fields: dict[str, Any] = {"feed_key": key, "feed_layout": "csv", "feed_removes_percent": removes}
    office.feed("ncic", **fields)
    names = [str(number) for number in range(10, 60)]
    content = outside(*names)
    office.bring(content, "ncic", manifest=office.signed(content, number=1))
    now = datetime.now(UTC) + timedelta(seconds=2)
    lines = [f"{name},clear" for name in names[:25]]
    delta = "\n".join(["reference,action,plate", *(f"{line}," for line in lines), ""]).encode()
    manifest = office.signed(delta, at=now, number=2, extent="delta")
    if wrong:
        with pytest.raises(RefusedError, match="25 of 50 entries are gone"):
            office.bring(delta, "ncic", manifest=manifest, at=now)
    else:
        office.bring(delta, "ncic", manifest=manifest, at=now)
    assert len(office.listed) == (50 if wrong else 25)
    assert (office.outcome("listed"), office.outcome("kept")) == ("held", "held")


def test_a_full_file_is_not_brought_as_a_delta_nor_the_other_way_around(office: Office) -> None:
    content = outside("1", "2")
    made = msgspec.json.decode(office.signed(content, number=5), type=Manifest)
    for other in (
        msgspec.structs.replace(made, extent="delta"),
        msgspec.structs.replace(made, sequence=6),
        msgspec.structs.replace(made, extent="full", sequence=0),
    ):
        with pytest.raises(RefusedError, match="not signed by the key"):
            office.bring(content, "ncic", manifest=msgspec.json.encode(other))
    assert office.listed == {}


def test_a_feed_that_is_registered_again_makes_no_old_file_valid(office: Office) -> None:
    first, second = outside("1", "2"), outside("1", "3")
    early = office.signed(first, number=1)
    office.bring(first, "ncic", manifest=early)
    now = datetime.now(UTC) + timedelta(seconds=2)
    office.bring(second, "ncic", manifest=office.signed(second, at=now, number=2), at=now)
    key = registry.records_of(office.lee.streams, "hotlist_source")["ncic"].feed_key
    office.feed("ncic", feed_key=key, feed_layout="csv")
    with pytest.raises(RefusedError, match="older than the last import"):
        office.bring(first, "ncic", manifest=early)
    assert set(office.listed) == {"ncic:1", "ncic:3"}
    again = office.signed(second, at=now + timedelta(seconds=1), number=1)
    office.bring(second, "ncic", manifest=again, at=now + timedelta(seconds=1))


def test_a_column_map_that_changes_on_disk_changes_nothing(office: Office, tmp_path: Path) -> None:
    toml = tmp_path / "map.toml"
    toml.write_text('category = "stolen_vehicle"\n[columns]\nreference = "1-2"\nplate = "3-9"\n')
    key = registry.records_of(office.lee.streams, "hotlist_source")["ncic"].feed_key
    office.feed("ncic", feed_key=key, feed_layout="map", feed_map=ColumnMap.read(toml.read_text()).to_text())
    toml.write_text('category = "stolen_vehicle"\n[columns]\nreference = "1-2"\nplate = "10-16"\n')
    feed, content = registry.records_of(office.lee.streams, "hotlist_source")["ncic"], b"01AST3087GHN5182\n"
    import_file(
        office.sue, io.BytesIO(content), "x", "ncic", parser_of(feed, "map"), utc_now(),
        brought=Delivery("map", None, office.signed(content)),
    )  # fmt: skip
    assert [one.plate for one in office.listed.values()] == ["AST3087"]


def test_a_bad_line_of_a_feed_is_a_dead_letter_that_names_line_and_field_and_is_not_sent_again(
    office: Office,
) -> None:
    content = outside("1", "2", "3", "4", "5", "6") + b"7,stolen_vehicle,AST3087,ZZ,,\n"
    office.bring(content, "ncic", manifest=office.signed(content, number=3))
    (letter,) = dead_letters.letters(office.lee)
    assert (letter.origin, letter.reason) == ("hotlist_file/ncic/3/8", "schema")
    assert letter.detail.startswith("line 8: `state` is no state")
    assert "AST3087" not in letter.detail
    assert dead_letters.show(office.lee, letter.origin)[1] == b"7,stolen_vehicle,AST3087,ZZ,,\n"
    with pytest.raises(RefusedError, match="list's owner corrects"):
        dead_letters.send_again(office.lee, letter.origin, utc_now())


@pytest.mark.parametrize("trick", ["a link", "a linked folder", "writable", "another folder"])
def test_the_job_reads_what_lies_at_the_place_and_nobody_else_may_write(
    office: Office, trick: str, tmp_path: Path
) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "list.csv").write_bytes(outside("9"))
    place = office.place
    if trick == "a link":
        (place / "list.csv").symlink_to(evil / "list.csv")
    elif trick == "a linked folder":
        place.rmdir()
        place.symlink_to(evil)
    elif trick == "writable":
        (place / "list.csv").write_bytes(outside("9"))
        (place / "list.csv").chmod(0o666)
    else:
        office.job = FeedImport(Feed(evil, "acic", parser("csv")))
    with pytest.raises(RefusedError):
        office.look()
    assert office.listed == {}


def test_a_file_that_changes_while_it_is_read_changes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = office.place / "list.csv"
    path.write_bytes(outside("1"))

    def parse(lines: Any) -> Any:
        yield from own_csv(lines)
        path.write_bytes(outside("1", "2"))

    office.job = FeedImport(Feed(office.place, "acic", parse))
    with pytest.raises(RefusedError, match="changed while it was read"):
        office.look()
    assert office.listed == {}


def test_a_list_without_a_feed_is_not_imported_by_a_job_and_the_check_names_the_command(
    office: Office, tmp_path: Path
) -> None:
    lists = tmp_path / "mvd"
    lists.mkdir()
    (lists / "list.csv").write_bytes(outside("1"))
    job = FeedImport(Feed(lists, "mvd", parser("csv")))
    with pytest.raises(RefusedError, match="platestream registry source mvd --place"):
        job.import_new(office.machine, datetime.now(UTC) + timedelta(seconds=60))
    agency = Agency(office.database, office.database.data)
    agency.put(RegistryRecord(kind="hotlist_source", id="mvd", name="MVD", refreshed_at=utc_now()))
    (result,) = agency.results("designated").values()
    assert "platestream registry source mvd" in str(result.faults)


def test_lines_by_hand_need_all_of_section_h_and_are_that_person_s_and_remove_nothing(office: Office) -> None:
    head = ",".join(ENTRY_FIELDS)
    line = ",".join({**ENTRY_FIELDS, "reference": "1"}.values())
    assert office.bring(f"{head}\n{line}\n".encode(), "mvd").plan.bad == 0
    with pytest.raises(RefusedError, match="none of its"):
        office.bring(outside("2"), "mvd")
    office.bring(
        f"{head}\n{line.replace('mvd:1', 'x').replace('26-001234,', '26-001235,', 1)}\n".encode(), "mvd"
    )
    second = ",".join({**ENTRY_FIELDS, "reference": "2"}.values())
    empty = ",".join({**ENTRY_FIELDS, "reference": "3", "instructions": "."}.values())
    with pytest.raises(RefusedError, match="bad"):
        office.bring(f"{head}\n{second}\n{empty}\n".encode(), "mvd")
    assert office.bring(f"{head}\n{second}\n".encode(), "mvd").plan.removed == []
    assert set(office.listed) == {"mvd:1", "mvd:2"}
    acts = office.database.rows(
        "SELECT other, who, outcome FROM platestream.inquiry_log WHERE kind = 'hotlist_add' ORDER BY at"
    )
    assert ("mvd:2", "sue", "allowed") in acts


@pytest.mark.parametrize("source", ["ncic", "acic", "bolo"])
def test_nobody_enters_by_hand_what_looks_like_another_s_entry(office: Office, source: str) -> None:
    with pytest.raises(RefusedError, match=r"feed|BOLOs"):
        entries.add(office.sue, source, ENTRY_FIELDS, utc_now())
    assert office.listed == {}


def test_an_import_blanks_no_instructions_not_even_forced(office: Office) -> None:
    content = outside("1", "2", "3", "4")
    office.bring(content, "ncic", manifest=office.signed(content))
    bare = outside("1", words=",")
    now = datetime.now(UTC) + timedelta(seconds=2)
    why = "The state police ended this list"
    office.bring(bare, "ncic", office.lee, manifest=office.signed(bare, at=now), force=why, at=now)
    (entry,) = office.listed.values()
    assert (entry.instructions, entry.other) == ("P/C for arrest", "R/O known to carry firearm")


def test_a_delta_that_takes_all_is_refused_though_it_is_signed(office: Office) -> None:
    content = outside("1", "2", "3", "4")
    office.bring(content, "ncic", manifest=office.signed(content))
    now = datetime.now(UTC) + timedelta(seconds=2)
    empty = f"{HEAD}\n".encode()
    with pytest.raises(RefusedError, match="nothing was changed"):
        office.bring(empty, "ncic", manifest=office.signed(empty, at=now), at=now)
    assert len(office.listed) == 4


def test_an_import_touches_no_entry_of_a_source_whose_name_begins_alike(office: Office) -> None:
    old = msgspec.structs.replace(LISTED, entry_id="ncic:x:7", source="ncic:x")
    publish(office.sue.streams, topics.HOTLIST, [HotListChange(old.entry_id, old)])
    content = outside("1", "2")
    office.bring(content, "ncic", manifest=office.signed(content))
    assert "ncic:x:7" in office.listed


@pytest.mark.parametrize("name", ["NCIC", "ncic:x", "nc1c", "ncic ", "n.cic", "acic/2"])
def test_no_source_is_designated_under_a_name_that_can_be_taken_for_another(
    office: Office, name: str
) -> None:
    with pytest.raises(RefusedError, match="name"):
        office.feed(name, feed_place="/srv/evil", feed_layout="csv")


def test_a_supervisor_registers_no_feed(office: Office) -> None:
    record = RegistryRecord(kind="hotlist_source", id="ncic", name="NCIC", feed_place="/tmp/mine")
    with pytest.raises(RefusedInquiry, match="administrator"):
        registry.designate(office.sue, record, utc_now())


def test_another_layout_than_the_feed_s_is_refused(office: Office) -> None:
    content = outside("1")
    with pytest.raises(RefusedError, match="layout"):
        import_file(
            office.sue, io.BytesIO(content), "x", "ncic", parser("csv"), utc_now(),
            brought=Delivery("ncic", None, office.signed(content)),
        )  # fmt: skip


@pytest.mark.parametrize("shift", range(1, 12))
def test_a_line_of_ncic_whose_fields_are_shifted_is_refused(shift: int) -> None:
    line = NCIC_LINE.format(plate="AST3087   ")
    assert not isinstance(next(iter(ncic.read([line])))[1], RefusedError)
    for moved in (
        line[:1] + " " * shift + line[1:],
        line[:10] + "X" * shift + line[10:],
        line[:19] + line[19 + shift :],
    ):
        (result,) = [result for _number, result in ncic.read([line, moved])][1:]
        assert isinstance(result, RefusedError)


@pytest.mark.parametrize("forged", ["another entry", "another plate", "an entry taken away"])
def test_a_list_that_is_changed_behind_the_door_after_its_import_is_found(
    office: Office, forged: str
) -> None:
    content = outside("1", "2")
    office.bring(content, "ncic", manifest=office.signed(content))
    assert office.outcome("listed") == "held"
    one = office.listed["ncic:1"]
    changed: dict[str, HotListChange] = {
        "another entry": HotListChange("ncic:9", msgspec.structs.replace(one, entry_id="ncic:9")),
        "another plate": HotListChange("ncic:1", msgspec.structs.replace(one, plate="GHN5182")),
        "an entry taken away": HotListChange("ncic:1", None),
    }
    publish(office.sue.streams, topics.HOTLIST, [changed[forged]])
    assert "not_held" in (office.outcome("listed"), office.outcome("kept"))


def test_nobody_removes_an_entry_of_a_feed_by_hand(office: Office) -> None:
    content = outside("1", "2")
    office.bring(content, "ncic", manifest=office.signed(content))
    for door in (office.sue, office.lee):
        with pytest.raises(RefusedError, match="leave the list by its registered feed alone"):
            entries.remove(door, "ncic:1")
    stored_topics(office.database.data).append(topics.REGISTRY, [Message(b"hotlist_source/ncic", b"{")])
    with pytest.raises(RefusedError, match="leave the list by its registered feed alone"):
        entries.remove(office.sue, "ncic:1")
    assert set(office.listed) == {"ncic:1", "ncic:2"}
    refused = "SELECT who, other FROM platestream.inquiry_log WHERE kind = 'hotlist_remove'"
    assert sorted(office.database.rows(refused)) == [("lee", "ncic:1"), *[("sue", "ncic:1")] * 2]


def test_entries_of_a_source_that_was_withdrawn_are_removed_by_hand(office: Office) -> None:
    content = outside("1")
    office.bring(content, "ncic", manifest=office.signed(content))
    registry.end(office.lee, "hotlist_source", "ncic", utc_now())
    entries.remove(office.sue, "ncic:1")
    assert office.listed == {}
    assert office.outcome("listed") == "not_checked"
