"""BOLOs of neighbours: by mail, CSV and signed webhook."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from platestream.access.inquire import RefusedInquiry
from platestream.cli.main import app
from platestream.edges.changelog import publish
from platestream.edges.files import FileTopics
from platestream.hotlist import bolos
from platestream.hotlist.http_server import application, read_secrets
from platestream.hotlist.list_changes import listed
from platestream.notifications import webhook_signature
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import REGISTRY
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, signed_in_as, staffed
from tests.support.receivers import SECRET

EXPIRES = f"{NOW + timedelta(days=20):%Y-%m-%d}"
SHERIFF = "apache-county-so"
YEAR = timedelta(days=365)
TOLD = {
    **{"reference": "B-17", "plate": "AST 3087", "state": "az", "category": "Stolen vehicle"},
    **{"case_number": "26-77", "reason": "Taken at gunpoint", "requested_by": "Dep. Nez"},
    **{"contact": "928-555-0101", "instructions": "P/C for arrest", "expires_at": EXPIRES},
}
MAIL = f"""From: Deputy Nez <nez@apache.example>
To: bolo@sjpd.example
Subject: BOLO stolen truck

All units,
BOLO: B-17
Plate: AST-3087
State: AZ
Make: Ford
Color: white
Offense: Stolen Vehicle
Case #: 26-77
Reason: Taken at gunpoint
Officer: Dep. Nez
Phone: 928-555-0101
Action: P/C for arrest
Good until: {EXPIRES}
"""


class Station:
    """A person's door and the webhook's, in a database with one neighbour registered."""

    def __init__(self, database: Database) -> None:
        staffed(database)
        self.database, self.door = database, door_of(database)
        self.register(RegistryRecord(kind="agency", id=SHERIFF, name="Apache County SO", mou_from=NOW - YEAR))

    def register(self, record: RegistryRecord) -> None:
        publish(self.door.streams, topics.REGISTRY, [record])
        self.database.put(REGISTRY, record)

    @property
    def recorded(self) -> list[Any]:
        return self.database.rows(
            "SELECT outcome, who, automatic, set_off_by, other, case_number, change, refusal "
            "FROM platestream.inquiry_log WHERE kind = 'bolo' ORDER BY at"
        )

    @property
    def listed(self) -> dict[str, HotListEntry]:
        return listed(self.door.streams)

    def take(self, agency: str = SHERIFF, **changes: Any) -> bolos.BoloResult:
        return bolos.take(self.door, agency, {**TOLD, **changes}, NOW)

    def receive(self, agency: str, ident: str, body: bytes) -> bolos.BoloResult:
        with bolos.webhook(self.door.settings, agency) as door:
            return bolos.receive(door, agency, ident, body, NOW)

    def unsigned(self, agency: str, why: str) -> None:
        with bolos.webhook(self.door.settings, agency) as door:
            bolos.log_unsigned(door, agency, why)


@pytest.fixture
def station(database: Database) -> Station:
    return Station(database)


def test_a_bolo_becomes_an_entry_with_its_source_and_is_on_record(station: Station) -> None:
    assert station.take() == bolos.BoloResult(f"bolo:{SHERIFF}/B-17", "added")
    (entry,) = station.listed.values()
    assert (entry.source, entry.plate, entry.state, entry.category) == (
        "bolo",
        "AST3087",
        "AZ",
        "stolen_vehicle",
    )
    assert entry.other == "BOLO of Apache County SO"
    assert (entry.case_number, entry.contact) == ("26-77", "928-555-0101")
    (row,) = station.recorded
    assert row[:6] == ("allowed", "vale", False, "", entry.entry_id, "26-77")
    assert "added" in row[6]
    assert "AST" not in str(station.recorded)


def test_sent_again_it_changes_nothing_and_changed_or_cancelled_it_does(station: Station) -> None:
    station.take()
    assert station.take().done == "unchanged"
    assert station.take(instructions="Do not stop, contact member of Alert Hit").done == "changed"
    assert station.take(cancel="yes").done == "removed"
    assert station.listed == {}
    with pytest.raises(RefusedError, match="cannot be cancelled"):
        station.take(cancel="yes")


def test_all_fields_that_lack_are_named_at_once_and_the_refusal_is_on_record(station: Station) -> None:
    with pytest.raises(RefusedError) as refused:
        station.take(case_number="", contact=" ", expires_at="")
    assert refused.value.detail == "lacks case number, contact, expires at"
    assert station.recorded[0][0] == "refused"
    assert "lacks case number, contact, expires at" in station.recorded[0][7]
    assert station.listed == {}


@pytest.mark.parametrize("name", bolos.MUST_HAVE)
def test_each_field_must_be_there(station: Station, name: str) -> None:
    with pytest.raises(RefusedError, match=name.replace("_", " ")):
        station.take(**{name: ""})


def test_a_described_vehicle_stands_in_place_of_a_plate(station: Station) -> None:
    station.take(plate="", make="Ford", colour="white", state="")
    (entry,) = station.listed.values()
    assert (entry.plate, entry.vehicle.make) == ("*", "Ford")


@pytest.mark.parametrize(
    ("agency", "fields", "because"),
    [
        ("nobody", {}, "no registered"),
        (SHERIFF, {"category": "parking"}, "category"),
        (SHERIFF, {"expires_at": "2020-01-01"}, "expires_at"),
        (SHERIFF, {"plate": "AST30877777777"}, "plate"),
    ],
)
def test_what_is_not_to_be_taken_is_refused(
    station: Station, agency: str, fields: dict[str, str], because: str
) -> None:
    with pytest.raises(RefusedError, match=because):
        station.take(agency, **fields)
    assert [row[0] for row in station.recorded] == ["refused"]


def test_whoever_is_not_registered_and_trained_takes_no_bolo(station: Station) -> None:
    stranger = door_of(station.database, "stranger")
    with pytest.raises(RefusedInquiry, match="not a registered user"):
        bolos.take(stranger, SHERIFF, TOLD, NOW)
    assert station.listed == {}
    assert station.recorded[0][:2] == ("refused", "stranger")


def test_mail_is_read_with_the_words_that_people_use() -> None:
    said = bolos.read_mail(MAIL)
    assert bolos.missing_fields(said) == []
    assert (said["plate"], said["category"], said["colour"]) == ("AST-3087", "Stolen Vehicle", "white")
    assert bolos.read_mail(MAIL.partition("\n\n")[2]) == said, "the text alone is enough"
    assert bolos.read_mail("Plate: ABC 1234\nCase: 26-1\n") == {"plate": "ABC 1234", "case_number": "26-1"}
    with pytest.raises(RefusedError, match="no line"):
        bolos.read_mail("Please look out for a white truck.")


KEY = webhook_signature.secret(SECRET)


def post(client: TestClient, more: Any, ident: str = "m1", agency: str = SHERIFF, at: datetime = NOW) -> Any:
    body = msgspec.json.encode(more)
    return client.post(
        f"/bolo/{agency}", content=body, headers=webhook_signature.headers(KEY, ident, at, body)
    )


@pytest.fixture
def client(station: Station) -> TestClient:
    return TestClient(application({SHERIFF: KEY}, station.receive, station.unsigned, lambda: NOW))


def test_a_signed_webhook_is_taken_once(client: TestClient, station: Station) -> None:
    answer = post(client, TOLD)
    assert (answer.status_code, answer.json()) == (200, {"entry_id": f"bolo:{SHERIFF}/B-17", "done": "added"})
    again = post(client, TOLD)
    assert again.json()["done"] == "unchanged"
    row, second = station.recorded
    assert second[:4] == row[:4], "each receipt is a row"
    assert row[:4] == ("allowed", "bolo", True, f"agency:{SHERIFF}"), "the machine, set off by the sender"
    looks = "SELECT DISTINCT set_off_by FROM platestream.inquiry_log WHERE kind = 'search'"
    assert station.database.rows(looks) == [(f"agency:{SHERIFF}",)]


def test_what_lacks_is_in_the_answer_and_on_record(client: TestClient, station: Station) -> None:
    answer = post(client, {**TOLD, "contact": ""})
    assert answer.status_code == 422
    assert answer.json() == {"because": "lacks contact", "lacks": ["contact"]}
    (row,) = station.recorded
    assert row[:4] == ("refused", "bolo", True, f"agency:{SHERIFF}")


def test_who_did_not_sign_is_not_heard(client: TestClient, station: Station) -> None:
    assert client.post(f"/bolo/{SHERIFF}", json=TOLD).status_code == 401
    assert post(client, TOLD, agency="nobody").status_code == 401
    assert post(client, TOLD, at=NOW - timedelta(minutes=6)).status_code == 401
    assert post(client, "x" * 200_000).status_code == 413
    assert post(client, ["a"], ident="m2").status_code == 422
    assert [row[0] for row in station.recorded] == ["refused", "refused"], "one a minute of what is unsigned"
    assert client.get("/healthy").json() == {"ok": True}


def test_secrets_are_a_file_an_agency(tmp_path: Path) -> None:
    (tmp_path / SHERIFF).write_text(SECRET)
    assert read_secrets(tmp_path) == {SHERIFF: KEY}
    (tmp_path / "other").write_text("short")
    with pytest.raises(RefusedError, match="24 bytes"):
        read_secrets(tmp_path)


def test_on_the_command_line_by_mail_and_csv(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.output

    staffed(database)
    signed_in_as(monkeypatch, "vale")
    sheriff = RegistryRecord(kind="agency", id=SHERIFF, name="Apache County SO", mou_from=NOW - YEAR)
    database.put(REGISTRY, sheriff)
    publish(FileTopics(tmp_path / "data", follow=False), topics.REGISTRY, [sheriff])
    mail, csv = tmp_path / "bolo.eml", tmp_path / "bolos.csv"
    mail.write_text(MAIL)
    assert "added" in run("bolo", "take", str(mail), "--agency", SHERIFF)
    columns = list(TOLD)
    first = ",".join({**TOLD, "reference": "B-18", "plate": "XYZ9876"}[name] for name in columns)
    second = ",".join({**TOLD, "reference": "B-19", "contact": ""}[name] for name in columns)
    csv.write_text("\n".join((",".join(columns), first, second)))
    shown = run("bolo", "take", str(csv), "--agency", SHERIFF, "--format", "csv", code=1)
    assert "bolos.csv, line 3: lacks contact" in shown
    assert "B-18" in run("hotlist", "list", "--source", "bolo")
    rows = database.rows("SELECT outcome, other FROM platestream.inquiry_log WHERE kind = 'bolo' ORDER BY at")
    outcomes = ("allowed", "allowed", "refused")
    assert rows == [(one, f"bolo:{SHERIFF}/B-{17 + number}") for number, one in enumerate(outcomes)]
