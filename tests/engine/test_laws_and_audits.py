"""Audits that come round, publications and the command, by the laws of states."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from platestream.audit.yearly import draw as drawing
from platestream.audit.yearly import filing, periodic
from platestream.audit.yearly import findings as judging
from platestream.cli.main import app
from platestream.edges.clickhouse_client import AUDITOR
from platestream.ledger import store as ledger
from platestream.policy import service as checking
from platestream.policy.laws import law_of
from platestream.reports import law_reports, search_log, transparency
from platestream.retention import service as retention
from platestream.schemas import tables
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.rhythm import Published
from tests.support.agency import DAY, HOUR, VERIFIED, user
from tests.support.clock import NOW
from tests.support.hit_actions import action
from tests.support.station import Station

pytestmark = pytest.mark.slow

SCHOOL: dict[str, Any] = {"latitude": 47.6, "longitude": -122.3, "radius_m": 150.0}

METRE = 1 / 111_195

OREGONS = NOW.astimezone(ZoneInfo("America/Los_Angeles"))
"""Now where an agency of Oregon is: its months begin later than those of UTC."""

ADDRESS = "https://police.example.gov/alpr"


def other(name: str, state: str, **changes: Any) -> list[RegistryRecord]:
    agency = RegistryRecord(kind="agency", id=name, name=name, state=state, mou_from=NOW - DAY, **changes)
    return [agency, user(f"of-{name}", "officer", agency=name)]


def camera(metres: float, **more: Any) -> RegistryRecord:
    """So many metres north of the school's edge."""
    north = SCHOOL["latitude"] + (SCHOOL["radius_m"] + metres) * METRE
    return RegistryRecord(kind="camera", id="cam", name="Main St", latitude=north, longitude=-122.3, **more)


def last_month() -> tuple[str, date]:
    first = OREGONS.date().replace(day=1)
    before = first - DAY
    return f"{before:%Y-%m}", first


def filed(made: Station, rhythm: str, period: str, at: datetime, *, told: bool = True) -> None:
    """A draw and its memorandum in the ledger, and in the log at `at`."""
    client = made.database.client()
    common = {"inquiries_since": at - DAY, "inquiries_until": at, "population": 0, "inquiries": []}
    drawn = drawing.Draw(
        **common,  # type: ignore[arg-type]
        year=at.year,
        seed="07",
        drawn_at=at,
        population_sha256=drawing.digest([]),
        use_since=at.date(),
        use_until=at.date(),
        use_population=0,
        use=[],
        browsing=True,
        rhythm=rhythm,
        period=period,
    )
    entry = ledger.following(client, "audit", "draw", "chief", drawn)
    made.database.entry(entry)
    memo = judging.FiledMemorandum(
        year=at.year,
        draw=entry.number,
        markdown_sha256="0" * 64,
        pdf_sha256="0" * 64,
        inquiries=0,
        met=0,
        data_errors=0,
        rhythm=rhythm,
        period=period,
    )
    entry = ledger.following(client, "audit", "memorandum", "chief", memo)
    made.database.entry(entry)
    if told:
        made.log(kind="audit_memo", other=entry.hash, at=at, reason="")


def test_an_audit_that_is_missing_late_or_not_on_record_turns_the_verdict(
    under: Callable[[str], Station],
) -> None:
    made = under("oregon")
    made.since(70)
    period, first = last_month()
    after = datetime(first.year, first.month, first.day, 20, tzinfo=UTC)
    due = after + 10 * DAY
    assert made.verdict("audit_monthly", now=due - 2 * DAY)[1].count(f"monthly of {period}") == 0
    assert (
        f"monthly of {period}: not filed; it was due on"
        in made.verdict("audit_monthly", now=due + 2 * DAY)[1]
    )
    filed(made, "monthly", period, after, told=False)
    said = made.verdict("audit_monthly", now=due + 2 * DAY)[1]
    assert f"monthly of {period}: not filed" in said, "an entry that no act knows counts for nothing"
    assert "no act on record knows" in said
    filed(made, "monthly", period, due + 3 * DAY)
    assert f"monthly of {period}: filed late" in made.verdict("audit_monthly", now=due + 5 * DAY)[1]
    filed(made, "monthly", period, after + DAY)
    assert f"monthly of {period}" not in made.verdict("audit_monthly", now=due + 5 * DAY)[1]
    later = NOW + 200 * DAY
    assert made.verdict("audit_quarterly", now=later)[0] == "not_held"
    quarter = f"{NOW.year + 1}-Q1"
    filed(made, "quarterly", quarter, datetime(NOW.year + 1, 4, 2, 20, tzinfo=UTC))
    assert quarter not in made.verdict("audit_quarterly", now=datetime(NOW.year + 1, 5, 1, tzinfo=UTC))[1]
    outcome, result = made.verdict("published_quarterly", now=datetime(NOW.year + 1, 5, 1, tzinfo=UTC))
    assert (outcome, f"quarterly of {quarter}: not published" in result) == ("not_held", True)


def test_a_publication_counts_from_when_it_was_put_on_record_whatever_it_says(
    under: Callable[[str], Station],
) -> None:
    made = under("oregon")
    made.since(70)
    period, first = last_month()
    after = datetime(first.year, first.month, first.day, 20, tzinfo=UTC)
    filed(made, "monthly", period, after)
    assert f"monthly of {period}: not published" in made.verdict("published_monthly", now=after + 5 * DAY)[1]
    result = Published(rhythm="monthly", period=period, where=ADDRESS, sha256=sha256(b"x").hexdigest())
    client = made.database.client()
    entry = ledger.following(client, "audit", "publication", "chief", result)
    made.database.entry(entry)
    said = made.verdict("published_monthly", now=after + 5 * DAY)[1]
    assert f"monthly of {period}: not published" in said
    made.log(
        kind="audit_publish", other=entry.hash, at=after + 4 * DAY, reason="published a day after, honestly"
    )
    said = made.verdict("published_monthly", now=after + 5 * DAY)[1]
    assert f"monthly of {period}: published late" in said
    assert f"not stored as it was published: {period}" in said
    row = [[sha256(b"x").digest(), "x.json", b"x"]]
    client.insert("platestream.documents", row, column_names=["sha256", "name", "content"])
    made.log(kind="audit_publish", other=entry.hash, at=after + DAY, reason="")
    assert period not in made.verdict("published_monthly", now=after + 5 * DAY)[1]


def judge_all(made: Station, number: int) -> None:
    _entry, drawn = drawing.drawn_as(made.database.client(AUDITOR), number)
    for one in drawn.inquiries:
        judging.record_finding(made.door(), judging.Finding(draw=number, inquiry_id=one, meets=True))


def test_an_audit_that_comes_round_has_its_own_draw_and_memorandum(
    under: Callable[[str], Station], tmp_path: Path
) -> None:
    made = under("oregon")
    made.since(70)
    period, first = last_month()
    at = datetime(first.year, first.month, first.day, tzinfo=UTC) - 5 * DAY
    made.put(*other("county", "OR"))
    for who, agency in (("smith", "own"), ("of-county", "county")):
        made.log(at=at, who=who, agency=agency, purpose="vehicle used in a crime", violation="burglary")
    with pytest.raises(RefusedError, match="is not over"):
        periodic.draw(made.door(), "monthly", f"{NOW + 40 * DAY:%Y-%m}", NOW)
    with pytest.raises(RefusedError, match="there are: monthly, quarterly"):
        periodic.draw(made.door(), "weekly", "", NOW)
    entry = periodic.draw(made.door(), "monthly", "", NOW)
    _entry, drawn = drawing.drawn_as(made.database.client(AUDITOR), entry.number)
    assert (drawn.rhythm, drawn.period, len(drawn.inquiries)) == ("monthly", period, 2)
    assert drawing.verify_draw(made.database.client(AUDITOR), drawn) == []
    with pytest.raises(RefusedError, match="has a draw already"):
        periodic.draw(made.door(), "monthly", period, NOW)
    judge_all(made, entry.number)
    done = filing.file(made.door(), entry.number, NOW, tmp_path)
    text = done.files[0].read_text()
    assert f"monthly audit, {period}, of ALPR browsing inquiries" in text
    assert "SB 1516, sections 6(1) and 6(3)" in text
    assert drawing.draws(made.database.client(AUDITOR), NOW.year) == [], "no draw of the yearly audit"
    assert made.said("sampled")["sampled"].outcome == "held"
    quarter = periodic.draw(made.door(), "quarterly", f"{at.year}-Q{(at.month + 2) // 3}", NOW + 100 * DAY)
    _entry, drawn = drawing.drawn_as(made.database.client(AUDITOR), quarter.number)
    assert len(drawn.inquiries) == 1, "of other agencies only"
    assert drawing.verify_draw(made.database.client(AUDITOR), drawn) == []


def test_what_is_published_is_what_the_records_say_and_names_nobody(under: Callable[[str], Station]) -> None:
    made = under("oregon")
    made.since(70)
    period, first = last_month()
    at = datetime(first.year, first.month, first.day, tzinfo=UTC) - 5 * DAY
    made.put(camera(5))
    secret = {"pattern": "HIDDEN1", "case_number": "26-SECRET", "other": "HIDDEN1", "at": at}
    crime = {**secret, "purpose": "vehicle used in a crime"}
    for who in ("smith", "jones", "brown", "smith", "smith"):
        made.log(**crime, who=who, violation="burglary")
    made.log(**crime, who="jones", violation="theft by J. Doe of HIDDEN1", reason="J. Doe")
    made.act(*VERIFIED, age=NOW - at, stopped=True, result="citation", note="driver J. Doe")
    result = law_reports.figures(made.door(), "monthly", period, NOW)
    assert result.stops_by_reason_of_alert == {"stolen_vehicle": 1}
    assert result.searches == 6
    assert result.searches_by_purpose == {search_log.SEVERAL: 6}, "one alone would be told apart by the rest"
    made.log(**crime, who="brown", violation="robbery")
    for who in ("smith", "jones", "brown", "smith"):
        made.log(**crime, who=who, violation="homicide")
    result = law_reports.figures(made.door(), "monthly", period, NOW)
    crimes = {"burglary": 5, search_log.SEVERAL: 6}
    assert (result.searches_by_purpose, result.searches_by_violation) == ({crime["purpose"]: 11}, crimes)
    quarter = law_reports.figures(made.door(), "quarterly", f"{at.year}-Q{(at.month + 2) // 3}", NOW)
    assert {row.violation for row in quarter.search_log} <= {*crimes}
    assert [one.camera for one in result.cameras] == ["cam"]
    text = transparency.as_json(result)
    assert [
        word for word in ("HIDDEN1", "smith", "jones", "chief", "SECRET", "Doe", "homicide") if word in text
    ] == []
    door = made.door()
    doctored = text.replace('"searches": 11', '"searches": 1')
    for content, says in (
        (b"{}", "no report"),
        (doctored.encode(), "other figures than the records: searches"),
        (text.replace(period, "2020-01").encode(), "is of Example"),
    ):
        with pytest.raises(RefusedError, match=says):
            law_reports.publish(door, "monthly", period, ADDRESS, content, NOW)
    with pytest.raises(RefusedError, match="say where"):
        law_reports.publish(door, "monthly", period, " ", text.encode(), NOW)
    running = (
        transparency.as_json(law_reports.figures(door, "monthly", f"{OREGONS:%Y-%m}", NOW))
        if OREGONS.day > 1
        else ""
    )
    if running:
        with pytest.raises(RefusedError, match="was over: make it anew"):
            law_reports.publish(door, "monthly", f"{OREGONS:%Y-%m}", ADDRESS, running.encode(), NOW)
    done = law_reports.publish(door, "monthly", period, ADDRESS, text.encode(), NOW)
    record = periodic.audit_record(made.database.client(AUDITOR), "oregon")
    assert [one.where for one in record.documents["monthly", period]] == [ADDRESS]
    assert ledger.verify(made.database.client(AUDITOR)) == []
    refused = made.database.rows(
        "SELECT count() FROM platestream.inquiry_log WHERE kind = 'audit_publish' AND outcome = 'refused'"
    )
    assert refused[0][0] == (5 if running else 4)
    assert done.published.sha256 == sha256(text.encode()).hexdigest()


def test_every_thirty_days_runs_on_from_the_last_audit_and_is_told_of(
    under: Callable[[str], Station],
) -> None:
    made = under("virginia")
    made.since(40)
    assert "every-30-days of" in made.verdict("audit_every-30-days")[1]
    number = periodic.draw(made.door(), "every-30-days", "", NOW).number
    judge_all(made, number)
    filing.file(made.door(), number, NOW)
    outcome, said = made.verdict("audit_every-30-days")
    assert (outcome, "filed late" in said) == ("not_held", True), "10 days late, which stays on record"
    made.put(camera(5))
    result = law_reports.figures(made.door(), "annual-report", str(NOW.year - 1), NOW)
    assert (result.cameras_registered, result.cameras) == (1, []), "places stay confidential"
    steps = periodic.agency_steps(made.door(), NOW)
    by = {(one.rhythm, one.step): one.by for one in steps}
    assert timedelta(days=29) < by["every-30-days", "file"] - NOW < timedelta(days=32)
    retention.run(made.door())
    shown = REGISTRY.get_sample_value(
        "platestream_audit_due_timestamp_seconds", {"rhythm": "every-30-days", "step": "file"}
    )
    assert shown == by["every-30-days", "file"].timestamp()
    assert made.verdict("published_annual-report", now=NOW + 500 * DAY)[0] == "not_held"
    assert made.verdict("outcomes")[0] == "not_checked"
    made.act(*VERIFIED, result="arrest", stopped=True)
    assert made.verdict("outcomes") == ("held", "")
    made.database.put(tables.HIT_ACTIONS, action("action_taken", at=NOW - HOUR, hit=uuid4(), by="smith"))
    assert "the reason of the notice is not on record" in made.verdict("outcomes")[1]
    laws = {clause.number: said for clause, said, _found in checking.by_law(law(made), results(made))}
    assert laws["internal audit"] == "not_held"
    assert laws["sensitive property"] == "not_checked"


def law(made: Station) -> Any:
    found = law_of(made.profile)
    assert found is not None
    return found


def results(made: Station) -> list[checking.Result]:
    return list(checking.run(made.live(profile=made.profile, profile_name=made.name)))


@pytest.fixture
def command(
    under: Callable[[str], Station], monkeypatch: pytest.MonkeyPatch
) -> tuple[Station, Callable[..., Any]]:
    made = under("washington")
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", made.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(made.data))
    monkeypatch.setenv("PLATESTREAM_PROFILE", "washington")
    monkeypatch.setattr("platestream.access.door.system_account", lambda: "chief")
    return made, lambda *words: CliRunner().invoke(app, list(words))


def test_the_commands_go_through_the_law_that_the_profile_names_and_give_no_advice(
    command: tuple[Station, Callable[..., Any]], tmp_path: Path
) -> None:
    made, call = command
    result = json.loads(call("policy", "check", "--json").stdout)
    assert result["law"]["name"].startswith("Washington")
    assert "lawyer" in result["law"]["advice"]
    verdicts = {one["clause"]: one["verdict"] for one in result["law"]["clauses"]}
    assert (verdicts["3(4)"], verdicts["4(2) to 4(4)"]) == ("not_checked", "people")
    assert {check["check"] for check in result["checks"]} == {one.name for one in law(made).checks}
    assert "mvd" not in {check["check"] for check in result["checks"]}, "what only the order asks"
    assert "A lawyer, not this program" in call("policy", "check").output
    placed = ("registry", "place", "court", "--title", "Court", "--kind", "court")
    assert "either" in call(*placed).output, "neither circle nor outline"
    corners = ("--corner", "47.601,-122.301", "--corner", "47.601,-122.299", "--corner", "47.599,-122.3")
    assert call(*placed, *corners).exit_code == 0
    camera_ = ("registry", "camera", "c", "--title", "C", "--latitude", "47.6", "--longitude", "-122.3")
    assert "Court (court): no camera may" in str(call(*camera_).exception or call(*camera_).output)
    assert call("audit", "due").exit_code == 0
    year = str(NOW.year - 1)
    out = tmp_path / "report.json"
    assert (
        call("report", "public", "--rhythm", "annual-report", "--period", year, "--file", str(out)).exit_code
        == 0
    )
    done = call("report", "publish", "annual-report", year, str(out), "--where", ADDRESS)
    assert done.exit_code == 0, done.output
