"""An agency at work, for the console's pages: something to see on each of them.

Vale is an officer on shift, Ana an analyst, Sue a supervisor, Aud an auditor, Cust a custodian and Lee the
administrator; new is in no registry.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec

from platestream.access import profiles
from platestream.audit.yearly import draw as drawing
from platestream.audit.yearly import filing
from platestream.audit.yearly import findings as judging
from platestream.cameras import state
from platestream.edges.changelog import publish
from platestream.edges.clickhouse_client import DOOR, SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.evidence import package
from platestream.hotlist.entry import make_entry
from platestream.operations.up.status import PLAN, StartPlan
from platestream.partners import register
from platestream.schemas import tables, topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.detection import Detection
from platestream.schemas.fields import Vehicle
from platestream.schemas.finding import Finding
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.console import Pages
from tests.support.database import Database, copied
from tests.support.door import person
from tests.support.flows import READ
from tests.support.hits import put_hit
from tests.support.partners import COUNTYS

CASE = "26-001234"
HIT = "00000000-0000-0000-0000-000000000001"
LETTER = "frames/3/7"
DRAWS = FILED, JUDGED, WAITING = (1, 2, 3)
TRUCK = Vehicle(colour="gray", make="Ford", model="F-150", body="pickup")
LISTED = {
    **{"reference": "26-1", "plate": "ast3087", "state": "AZ", "category": "stolen_vehicle"},
    **{"case_number": CASE, "reason": "Stolen from 1st West", "requested_by": "Ofc. Vale"},
    **{"contact": "928-555-0114", "instructions": "P/C for arrest", "make": "Ford", "colour": "gray"},
}


@contextmanager
def office(migrated: Path, folder: Path) -> Iterator[Pages]:
    """A console on a copy of the migrated database, furnished."""
    with copied(migrated, folder / "database") as database:
        (folder / "data").mkdir()
        package.new_key(folder / "agency.pem")
        made = _pages(database, folder, provider(folder), profile(folder))
        at_work_before(database)
        registry(made)
        audits(made)
        passes(made)
        hot_list(made)
        letters(made)
        gateway(made)
        on_shift(made)
        yield made


@contextmanager
def copied_office(original: Path, folder: Path) -> Iterator[Pages]:
    """The same from the folder of an office that was closed: to furnish one takes eight times as long."""
    shutil.copytree(original, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("database"))
    with copied(original / "database" / "platestream", folder / "database") as database:
        made = _pages(database, folder, folder / "oidc.toml", str(folder / "own.toml"))
        start_plan(made)
        yield made


def _pages(database: Database, folder: Path, oidc_file: Path, profile: str) -> Pages:
    key = folder / "agency.pem"
    return Pages(database, folder / "data", oidc_file=oidc_file, evidence_key_file=key, profile=profile)


def provider(folder: Path) -> Path:
    """One that nobody asks here: the sign-in page offers it."""
    (folder / "secret").write_text("secret")
    (folder / "secret").chmod(0o600)
    more = {"issuer": "https://login.example", "client_id": "platestream", "client_secret_file": "secret"}
    made = folder / "oidc.toml"
    made.write_text("".join(f'{name} = "{value}"\n' for name, value in {**more, "name": "St. Johns"}.items()))
    return made


def profile(folder: Path) -> str:
    """The order's rules, and what laws of states ask for beside them."""
    order = (Path(profiles.__file__).parent / "st-johns.toml").read_text()
    asked = """
[places]
refused = ["school"]
[rhythms.monthly]
every = "month"
publish = "2 days"
citation = "a law"
"""
    made = folder / "own.toml"
    made.write_text(order + asked)
    return str(made)


def at_work_before(database: Database) -> None:
    """An act of two months ago: from then on audits that come round are due."""
    row = {"entry": uuid4(), "inquiry_id": uuid4(), "at": NOW - timedelta(days=62), "who": "vale"}
    row |= {"outcome": "allowed", "kind": "shift_show"}
    database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))


def registry(pages: Pages) -> None:
    register.own_key_store(pages.settings).make(NOW)
    pages.staff(
        person("vale", "officer"),
        person("ana", "analyst"),
        person("sue", "supervisor"),
        person("aud", "auditor"),
        person("cust", "custodian"),
        person("lee", "administrator"),
        person("late", "officer", trained=NOW - timedelta(days=350)),
        person("gone", "officer", active=False),
    )
    pages.put(
        camera("north", 34.51, approved_by="Chief of Police", approved_at=NOW),
        camera("south", 34.49),
        RegistryRecord(
            kind="agency",
            id="county",
            name="County SO",
            mou_from=NOW - timedelta(days=300),
            mou_until=NOW + timedelta(days=10),
            shares_cameras=("north",),
            shares_kinds=("search", "hits"),
            address="https://127.0.0.1",  # this machine, which is not asked
            keys=(COUNTYS.public,),
        ),
        RegistryRecord(
            kind="place",
            id="lincoln",
            name="Lincoln",
            place="school",
            latitude=34.45,
            longitude=-109.37,
            radius_m=100.0,
        ),
        RegistryRecord(
            kind="detail",
            id="op-canyon",
            name="Operation Canyon",
            cameras=("south",),
            since=NOW - timedelta(hours=5),
            until=NOW + timedelta(days=1),
            case_number=CASE,
        ),
        RegistryRecord(
            kind="incident",
            id=CASE,
            name="Truck recovered at the mill",
            outcome="recovery",
            since=NOW - timedelta(hours=3),
            cameras=("north",),
        ),
    )


def gateway(pages: Pages) -> None:
    """What a gateway that was started here told of its two cameras, one of them not registered."""
    spool, result = pages.data / "cameras", pages.data / "cameras.toml"
    spool.mkdir()
    place = 'kind = "folder"\npath = "."\nlatitude = 34.5\nlongitude = -109.4\n'
    result.write_text(f"[cameras.north]\n{place}[cameras.east]\n{place}")
    (pages.data / "up").mkdir()
    start_plan(pages)
    cameras = (
        state.CameraHealth(name="north", kind="folder", up=True, last_frame=NOW, frames={"sent": 7}),
        state.CameraHealth(
            name="east",
            kind="folder",
            up=False,
            fault="no frame for 60 s",
            picture="covered",
            picture_since=NOW,
        ),
    )
    health = state.GatewayHealth(at=NOW, waiting=0, waiting_bytes=0, sending="", cameras=cameras)
    state.write(spool, health)


def start_plan(pages: Pages) -> None:
    """The configuration of the gateway that was started is in the data folder."""
    plan = StartPlan((), str(pages.data / "cameras.toml"))
    (pages.data / "up" / PLAN).write_bytes(msgspec.json.encode(plan))


def camera(name: str, latitude: float, **changes: Any) -> RegistryRecord:
    return RegistryRecord(
        kind="camera", id=name, name=f"Main St {name}", latitude=latitude, longitude=-109.37, **changes
    )


def audits(pages: Pages) -> None:
    """A draw that is filed, one that is judged, and one that waits, of the same few inquiries."""
    looks, door = [ask(pages), ask(pages)], pages.console.door("aud")
    for number in DRAWS:
        made = drawing.draw(door, NOW.year, datetime.now(UTC), "A rehearsal" if number > 1 else "")
        assert made.number == number
    for number, count in zip(DRAWS, (2, 2, 1), strict=True):
        for look in looks[:count]:
            fields = {"meets": look == looks[0], "note": "No such case"}
            judging.record_finding(door, judging.Finding(draw=number, inquiry_id=look, **fields))  # type: ignore[arg-type]
    filing.file(door, FILED, datetime.now(UTC))
    breach = Finding(
        finding_id=uuid4(),
        inquiry_id=looks[1],
        at=datetime.now(UTC),
        who="vale",
        agency="",
        kind="search",
        rule="purpose",
        grade="breach",
        detail="a prohibited purpose (F.1, I.3)",
    )
    unusual = msgspec.structs.replace(breach, finding_id=uuid4(), rule="night", grade="unusual")
    pages.database.put(tables.INQUIRY_FINDINGS, breach, unusual)
    seal_new(pages.database.client(SEALER))


def ask(pages: Pages) -> UUID:
    """A documented look of Vale's."""
    fields = {"case_number": CASE, "reason": "Stolen vehicle, followed up", "on_behalf_of": "vale"}
    return pages.database.ask(DOOR, **fields)


def passes(pages: Pages) -> None:
    """A gray truck and its look-alike at both cameras, with a companion; the truck is held as evidence."""
    seen = [
        passing(plate, where, minutes + late / 5)
        for minutes, where in ((0, "north"), (30, "south"))
        for late, plate in enumerate(("AST3087", "MATE456", "A5T3087"))
    ]
    pages.database.put(tables.DETECTIONS, *seen)
    pages.database.put(tables.IMAGES, *seen)
    analyst = pages.browser("ana")
    analyst.get("/search")
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE)
    chosen = [unescape(one) for one in re.findall(r'name="pass" value="([^"]+)"', analyst.page)]
    fields = {"case_number": CASE, "authority": "Det. Begay", "schedule": "felony"}
    assert analyst.send("/evidence", **fields, **{"pass": chosen}).status_code == 200


def passing(plate: str, where: str, minutes: float) -> Detection:
    at = NOW - timedelta(hours=2) + timedelta(minutes=minutes)
    fields = {"plate": plate, "camera_id": where, "captured_at": at, "best_at": at, "vehicle": TRUCK}
    return msgspec.structs.replace(READ, detection_id=uuid4(), **fields)


def hot_list(pages: Pages) -> None:
    """An entry, one without a plate, and one that has expired."""
    entries = (
        listed(pages, "26-1", 20),
        listed(pages, "26-2", 2, plate="*", marks="sticker=moose"),
        listed(pages, "26-3", -2),  # by every zone that is over
    )
    publish(pages.streams, topics.HOTLIST, [HotListChange(one.entry_id, one) for one in entries])


def listed(pages: Pages, reference: str, days: int, **changes: str) -> HotListEntry:
    return make_entry("sjpd", line(reference, days, **changes), pages.console.zone)


def line(reference: str, days: int, **more: str) -> dict[str, str]:
    """A line of a file for the hot list, in force for so many days."""
    return {**LISTED, "reference": reference, "expires_at": f"{NOW + timedelta(days=days):%Y-%m-%d}", **more}


def csv(*lines: dict[str, str]) -> bytes:
    """Lines as a file, with the names of their columns."""
    return "\n".join([",".join(lines[0]), *(",".join(one.values()) for one in lines), ""]).encode()


def letters(pages: Pages) -> None:
    fields = {"reason": "future", "detail": "captured in an hour", "timestamp": NOW - timedelta(hours=1)}
    made = DeadLetter(topic="frames", partition=3, offset=7, value=b"\xff\xd8", **fields)  # type: ignore[arg-type]
    pages.streams.writer(topics.DEAD_LETTERS).publish([made])
    assert made.origin == LETTER


def on_shift(pages: Pages) -> None:
    for number in (1, 2, 3):
        put_hit(pages.database, number)
    officer = pages.browser("vale")
    officer.get("/hits")
    officer.send("/shift/begin", hours="8")
