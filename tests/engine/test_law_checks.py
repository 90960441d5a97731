"""The laws of other states as somebody would try who wants to get around them: each time the gate refuses, or
the verdict of the check turns.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from connectors import ledger
from connectors.clickhouse_client import ANALYST, AUDITOR
from connectors.profiles import load
from operators.people import PeopleRules, declared
from platestream.cli.main import app
from schemas import tables
from schemas.deployment import DeploymentFinding
from schemas.gate_rules import of_profile
from schemas.message import RefusedError
from schemas.profile import Profile
from schemas.registry import RegistryRecord
from schemas.rhythm import Published
from services import registry as registering
from services.cameras import seeing
from services.door import Clients, Door
from services.inquiries import gate
from services.inquiries.gate import RefusedInquiry
from services.policy import check as checking
from services.policy.laws import law_of
from services.reports import public, search_log
from services.retention import job as retention
from services.rules import in_force
from services.yearly_audit import draw as drawing
from services.yearly_audit import filing, rhythms
from services.yearly_audit import findings as judging
from tests.support.agency import DAY, HOUR, VERIFIED, Agency, read, set_rules, user
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.hit_actions import action

SCHOOL: dict[str, Any] = {"latitude": 47.6, "longitude": -122.3, "radius_m": 150.0}
METRE = 1 / 111_195
ADDRESS = "https://police.example.gov/alpr"


@dataclass(frozen=True)
class Station(Agency):
    """An agency that follows a law, from so long ago on."""

    name: str = ""

    @property
    def profile(self) -> Profile:
        return load(self.name)

    def door(self, who: str = "chief") -> Door:
        door = door_of(self.database, who, data=self.data)
        settings = door.settings.model_copy(update={"profile": self.name})
        return Door(settings, who, "test", Clients(settings))

    def said(self, *checks: str, **changes: Any) -> dict[str, checking.Result]:
        told = {"profile": self.profile, "profile_name": self.name, **changes}
        law = law_of(self.profile)
        assert law is not None
        wanted = [one for one in law.checks if one.name in checks]
        return {one.check.name: one for one in checking.run(self.live(**told), wanted)}

    def verdict(self, check: str, **changes: Any) -> tuple[str, str]:
        one = self.said(check, **changes)[check]
        return one.outcome, "; ".join([*one.faults, *(gap.why for gap in one.gaps)])

    def search(self, who: str = "smith", **told: Any) -> list[gate.Row]:
        asked = {"case_number": "26-001", "pattern": "ABC*", **told}
        return gate.search(self.database.client(ANALYST), who=who, **asked)

    def since(self, days: float) -> None:
        """The profile has been in force since then, and a search was made then."""
        at = NOW - days * DAY
        when = f"{at:%Y-%m-%d %H:%M:%S}"
        self.sql(f"INSERT INTO platestream.gate_rules (set_at, profile) VALUES ('{when}', '{self.name}')")
        self.log(at=at, purpose="vehicle used in a crime", violation="burglary", case_number="26-0101")


def station(database: Database, folder: Path, name: str) -> Station:
    made = Station(database, folder / "data", name)
    in_force.put_in_force(door_of(database, "chief", data=made.data), name, "Chief of Police")
    made.put(
        RegistryRecord(kind="agency", id="own", name="Own PD", own=True, state=load(name).agency.state),
        user("chief", agency="own"),
        user("smith", "officer", agency="own"),
    )
    return made


@pytest.fixture
def under(database: Database, tmp_path: Path) -> Callable[[str], Station]:
    return lambda name: station(database, tmp_path, name)


SEARCHES: list[tuple[str, dict[str, Any], str]] = [
    ("washington", {"purpose": "stolen vehicle"}, ""),
    (
        "washington",
        {"purpose": "stolen vehicle", "case_number": "", "reason": "Stolen Ford truck"},
        "case number",
    ),
    ("washington", {"purpose": "felony or gross misdemeanor"}, "no violation is named"),
    ("washington", {"purpose": "felony or gross misdemeanor", "violation": "jaywalking"}, "none of those"),
    ("washington", {"purpose": "felony or gross misdemeanor", "violation": "robbery"}, ""),
    ("washington", {"purpose": "Stolen vehicle"}, "purpose is none"),
    ("washington", {"purpose": "stolen vehicle", "reason": "1mmigrаtion hold"}, "prohibited"),
    ("washington", {"purpose": "stolen vehicle", "reason": "i.m.m.i.g.r.a.t.i.o.n"}, "prohibited"),
    ("washington", {"purpose": "stolen vehicle", "reason": "ＩＭＭＩＧＲＡＴＩＯＮ"}, "prohibited"),
    ("oregon", {"purpose": "vehicle used in a crime", "violation": "burglary"}, ""),
    ("oregon", {"purpose": "vehicle used in a crime", "violation": " . "}, "no violation is named"),
    ("oregon", {"purpose": "missing or endangered person"}, ""),
    ("oregon", {"purpose": "missing or endangered person", "violation": "deportation"}, "prohibited"),
    ("oregon", {"purpose": "stolen vehicle"}, "purpose is none"),
    (
        "virginia",
        {"purpose": "missing or endangered person", "case_number": "", "reason": "Child missing"},
        "",
    ),
    ("virginia", {"purpose": "vehicle used in a crime", "violation": "burglary"}, "purpose is none"),
    ("virginia", {"purpose": "missing or endangered person", "reason": "prоtest march"}, "prohibited"),
    ("st-johns", {"case_number": "", "reason": "Immigration fraud, a case of ours"}, ""),
    ("st-johns", {"case_number": "", "reason": "p.e.r.s.o.n.a.l  use"}, "prohibited"),
]


@pytest.mark.parametrize("name", sorted({name for name, *_rest in SEARCHES}))
def test_the_gate_asks_of_a_search_what_its_own_law_asks_and_nothing_of_anothers(
    under: Callable[[str], Station], name: str
) -> None:
    made = under(name)
    allowed = []
    for told, refused in [(told, refused) for law_, told, refused in SEARCHES if law_ == name]:
        if refused:
            with pytest.raises(RefusedInquiry, match=refused):
                made.search(**told)
        else:
            assert made.search(**told) == []
            allowed.append((told.get("violation", ""), ""))
    kept = made.database.rows(
        "SELECT violation, declaration FROM platestream.inquiry_log "
        "WHERE outcome = 'allowed' AND kind = 'search' ORDER BY at"
    )
    assert kept == allowed


def other(name: str, state: str, **told: Any) -> list[RegistryRecord]:
    agency = RegistryRecord(kind="agency", id=name, name=name, state=state, mou_from=NOW - DAY, **told)
    return [agency, user(f"of-{name}", "officer", agency=name)]


TEXT = sha256(b"I will not use it for ...").hexdigest()
SIGNED: dict[str, Any] = {"declared_at": NOW - DAY, "declared_by": "Sheriff A", "declaration": TEXT}


DECLARED: list[tuple[dict[str, Any], str, str]] = [
    (SIGNED, "NY", ""),
    ({}, "NJ", ""),
    ({}, "NY", "no written declaration"),
    ({**SIGNED, "declared_at": NOW + DAY}, "NY", "no written declaration"),
    ({**SIGNED, "declared_at": NOW - 366 * DAY}, "NY", "has lapsed"),
    ({**SIGNED, "declaration": sha256(b"another").hexdigest()}, "NY", "not of the text"),
    ({**SIGNED, "declared_by": " "}, "NY", "nobody signed it"),
]


def test_an_agency_of_another_state_looks_by_a_declaration_in_force_that_is_kept_with_its_inquiry(
    under: Callable[[str], Station],
) -> None:
    made = under("new-jersey")
    ruled = replace(of_profile("new-jersey", made.profile), declaration_texts=(TEXT,))
    set_rules(made.database, ruled)
    rules = PeopleRules.of(ruled)
    for number, (told, state, refused) in enumerate(DECLARED):
        agency, person = other(f"a{number}", state, **told)
        made.put(agency, person)
        assert bool(declared(agency, NOW, rules)) is bool(refused), "the second opinion says the same"
        if refused:
            with pytest.raises(RefusedInquiry, match=refused):
                made.search(person.id)
        else:
            made.search(person.id)
    kept = made.database.rows(
        "SELECT declaration FROM platestream.inquiry_log "
        "WHERE outcome = 'allowed' AND agency != '' ORDER BY at"
    )
    assert kept[-2:] == [(f"{TEXT} by Sheriff A on {NOW - DAY:%Y-%m-%d}",), ("",)]


def test_nobody_looks_by_the_declaration_of_another_agency(under: Callable[[str], Station]) -> None:
    made = under("new-jersey")
    made.put(*other("a", "NY", **SIGNED), *other("b", "PA"))
    with pytest.raises(RefusedInquiry, match="no written declaration"):
        made.search("of-b")
    with pytest.raises(RefusedInquiry, match="of another agency"):
        made.search("of-b", agency="a")
    made.search("of-a", agency="a")
    made.follow()
    assert made.verdict("declarations") == ("not_held", "b: no written declaration on record (I.2)")
    made.put(*other("b", "PA", **SIGNED))
    made.follow()
    assert made.verdict("declarations") == ("held", "")
    made.log(agency="b", who="of-b", at=datetime.now(UTC))
    assert "looks without a declaration on record: b (1)" in made.verdict("declarations")[1]


def camera(metres: float, **told: Any) -> RegistryRecord:
    """So many metres north of the school's edge."""
    north = SCHOOL["latitude"] + (SCHOOL["radius_m"] + metres) * METRE
    return RegistryRecord(kind="camera", id="cam", name="Main St", latitude=north, longitude=-122.3, **told)


def test_no_camera_is_registered_in_a_sensitive_place_or_moved_into_it(
    under: Callable[[str], Station],
) -> None:
    made = under("washington")
    door = made.door()
    place = RegistryRecord(kind="place", id="lincoln", name="Lincoln", place="school", **SCHOOL)
    registering.put(door, place, NOW)
    registering.put(door, camera(5), NOW)
    made.put(camera(5))
    assert made.verdict("places") == ("held", "")
    for moved in (camera(-5), camera(-5, moves=True), camera(-100)):
        with pytest.raises(RefusedError, match=r"Lincoln \(school\): no camera may"):
            registering.put(door, moved, NOW)
    refused = made.database.rows(
        "SELECT refusal FROM platestream.inquiry_log WHERE kind = 'registry_camera' AND outcome = 'refused'"
    )
    assert len(refused) == 3
    made.put(camera(-5))
    assert made.verdict("places") == ("not_held", "cameras registered inside: cam in lincoln")


def test_a_camera_that_was_there_first_and_one_that_was_carried_in_are_found(
    under: Callable[[str], Station],
) -> None:
    made = under("washington")
    made.put(camera(-5))
    assert made.verdict("places")[0] == "not_checked", "where the places are is not known"
    place = RegistryRecord(kind="place", id="lincoln", name="Lincoln", place="school", **SCHOOL)
    assert registering.stands_in(made.door(), registering.put(made.door(), place, NOW)) == ["cam"]
    assert made.verdict("places") == ("not_held", "cameras registered inside: cam in lincoln")
    with pytest.raises(RefusedError, match="no camera may"):
        seeing.begin(made.door(), "cam", reason="A new lens")
    made.put(camera(5))
    assert made.verdict("places")[0] == "held"
    refused = DeploymentFinding.of("van", "sensitive_place", NOW - HOUR, "lincoln")
    made.database.put(tables.DEPLOYMENT_FINDINGS, refused)
    told = made.said("places")["places"]
    assert (told.outcome, "refused unread: van in lincoln" in told.figure) == ("held", True)
    inside = camera(-5)
    made.database.put(
        tables.DETECTIONS, read(HOUR, "cam", latitude=inside.latitude, longitude=inside.longitude)
    )
    assert made.verdict("places") == ("not_held", "pictures were taken inside: cam in lincoln")
    swapped = RegistryRecord(
        kind="place", id="swap", name="Swap", place="court", latitude=-22.3, longitude=47.6, radius_m=9.0
    )
    made.put(swapped)
    assert "north and east were swapped: swap" in made.verdict("places")[1]


def test_where_no_law_names_places_a_camera_may_stand_in_one(under: Callable[[str], Station]) -> None:
    made = under("oregon")
    place = RegistryRecord(kind="place", id="lincoln", name="Lincoln", place="school", **SCHOOL)
    registering.put(made.door(), place, NOW)
    registering.put(made.door(), camera(-5), NOW)


def test_a_retention_that_is_longer_than_the_laws_turns_the_verdict(
    under: Callable[[str], Station], tmp_path: Path
) -> None:
    made = under("virginia")
    assert made.verdict("span") == ("held", "")
    longer = tmp_path / "own.toml"
    text = (Path(__file__).parents[2] / "connectors/profiles/virginia.toml").read_text()
    longer.write_text(text.replace('data = "21 days"', 'data = "22 days"'))
    own = load(str(longer))
    outcome, said = made.verdict("span", profile=own, profile_name=str(longer))
    assert (outcome, said) == ("not_held", "the profile keeps data 22 days, the law allows 21 days")
    in_force.put_in_force(door_of(made.database, "chief", data=made.data), "st-johns", "Chief of Police")
    assert made.verdict("span") == (
        "not_held",
        "the rules in force keep data 30 days, the law allows 21 days",
    )
    assert made.verdict("trail_two_years")[0] == "not_checked", "purged after two years is only reported"


def last_month() -> tuple[str, date]:
    first = NOW.astimezone(UTC).date().replace(day=1)
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
    memo = judging.Filed(
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
    outcome, told = made.verdict("published_quarterly", now=datetime(NOW.year + 1, 5, 1, tzinfo=UTC))
    assert (outcome, f"quarterly of {quarter}: not published" in told) == ("not_held", True)


def test_a_publication_counts_from_when_it_was_put_on_record_whatever_it_says(
    under: Callable[[str], Station],
) -> None:
    made = under("oregon")
    made.since(70)
    period, first = last_month()
    after = datetime(first.year, first.month, first.day, 20, tzinfo=UTC)
    filed(made, "monthly", period, after)
    assert f"monthly of {period}: not published" in made.verdict("published_monthly", now=after + 5 * DAY)[1]
    told = Published(rhythm="monthly", period=period, where=ADDRESS, sha256=sha256(b"x").hexdigest())
    client = made.database.client()
    entry = ledger.following(client, "audit", "publication", "chief", told)
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
        judging.find(made.door(), judging.Finding(draw=number, inquiry_id=one, meets=True))


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
        rhythms.draw(made.door(), "monthly", f"{NOW + 40 * DAY:%Y-%m}", NOW)
    with pytest.raises(RefusedError, match="there are: monthly, quarterly"):
        rhythms.draw(made.door(), "weekly", "", NOW)
    entry = rhythms.draw(made.door(), "monthly", "", NOW)
    _entry, drawn = drawing.drawn_as(made.database.client(AUDITOR), entry.number)
    assert (drawn.rhythm, drawn.period, len(drawn.inquiries)) == ("monthly", period, 2)
    assert drawing.again(made.database.client(AUDITOR), drawn) == []
    with pytest.raises(RefusedError, match="has a draw already"):
        rhythms.draw(made.door(), "monthly", period, NOW)
    judge_all(made, entry.number)
    done = filing.file(made.door(), entry.number, NOW, tmp_path)
    text = done.files[0].read_text()
    assert f"monthly audit, {period}, of ALPR browsing inquiries" in text
    assert "SB 1516, sections 6(1) and 6(3)" in text
    assert drawing.draws(made.database.client(AUDITOR), NOW.year) == [], "no draw of the yearly audit"
    assert made.said("sampled")["sampled"].outcome == "held"
    quarter = rhythms.draw(made.door(), "quarterly", f"{at.year}-Q{(at.month + 2) // 3}", NOW + 100 * DAY)
    _entry, drawn = drawing.drawn_as(made.database.client(AUDITOR), quarter.number)
    assert len(drawn.inquiries) == 1, "of other agencies only"
    assert drawing.again(made.database.client(AUDITOR), drawn) == []


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
    told = public.figures(made.door(), "monthly", period, NOW)
    assert told.stops_by_reason_of_alert == {"stolen_vehicle": 1}
    assert told.searches == 6
    assert told.searches_by_purpose == {search_log.SEVERAL: 6}, "one alone would be told apart by the rest"
    made.log(**crime, who="brown", violation="robbery")
    for who in ("smith", "jones", "brown", "smith"):
        made.log(**crime, who=who, violation="homicide")
    told = public.figures(made.door(), "monthly", period, NOW)
    crimes = {"burglary": 5, search_log.SEVERAL: 6}
    assert (told.searches_by_purpose, told.searches_by_violation) == ({crime["purpose"]: 11}, crimes)
    quarter = public.figures(made.door(), "quarterly", f"{at.year}-Q{(at.month + 2) // 3}", NOW)
    assert {row.violation for row in quarter.search_log} <= {*crimes}
    assert [one.camera for one in told.cameras] == ["cam"]
    text = public.as_json(told)
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
            public.publish(door, "monthly", period, ADDRESS, content, NOW)
    with pytest.raises(RefusedError, match="say where"):
        public.publish(door, "monthly", period, " ", text.encode(), NOW)
    running = public.as_json(public.figures(door, "monthly", f"{NOW:%Y-%m}", NOW)) if NOW.day > 1 else ""
    if running:
        with pytest.raises(RefusedError, match="was over: make it anew"):
            public.publish(door, "monthly", f"{NOW:%Y-%m}", ADDRESS, running.encode(), NOW)
    done = public.publish(door, "monthly", period, ADDRESS, text.encode(), NOW)
    record = rhythms.on_record(made.database.client(AUDITOR), "oregon")
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
    number = rhythms.draw(made.door(), "every-30-days", "", NOW).number
    judge_all(made, number)
    filing.file(made.door(), number, NOW)
    outcome, said = made.verdict("audit_every-30-days")
    assert (outcome, "filed late" in said) == ("not_held", True), "10 days late, which stays on record"
    made.put(camera(5))
    told = public.figures(made.door(), "annual-report", str(NOW.year - 1), NOW)
    assert (told.cameras_registered, told.cameras) == (1, []), "places stay confidential"
    steps = rhythms.steps_here(made.door(), NOW)
    by = {(one.rhythm, one.step): one.by for one in steps}
    assert timedelta(days=29) < by["every-30-days", "file"] - NOW < timedelta(days=32)
    retention.once(made.door())
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


def test_searches_that_got_past_the_gate_and_lists_that_grew_old_turn_the_verdict(
    under: Callable[[str], Station],
) -> None:
    made = under("washington")
    told = {"purpose": "felony or gross misdemeanor", "violation": "robbery"}
    made.search(**told)
    made.follow()
    assert made.verdict("searched") == ("held", "")
    made.log(purpose="felony or gross misdemeanor", case_number="26-0101", at=datetime.now(UTC))
    made.log(**told, at=datetime.now(UTC))
    made.follow()
    said = made.verdict("searched")[1]
    assert "1 without a case number; 1 without the violation" in said
    assert "that broke it" in said, "the audit flow's second opinion is the gate's"
    fresh = RegistryRecord(kind="hotlist_source", id="ncic", name="NCIC", refreshed_at=NOW - 23 * HOUR)
    made.put(fresh)
    assert made.verdict("refreshed", now=NOW) == ("held", "")
    assert made.verdict("refreshed", now=NOW + 2 * HOUR)[0] == "not_held"
    assert made.verdict("trail") == ("held", "")
    made.sql("ALTER TABLE platestream.inquiry_log MODIFY TTL toDateTime(at) + INTERVAL 1 YEAR DELETE")
    assert made.verdict("trail") == ("not_held", "kept shorter: inquiry_log")


@pytest.fixture
def command(
    under: Callable[[str], Station], monkeypatch: pytest.MonkeyPatch
) -> tuple[Station, Callable[..., Any]]:
    made = under("washington")
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", made.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(made.data))
    monkeypatch.setenv("PLATESTREAM_PROFILE", "washington")
    monkeypatch.setattr("services.people.system_account", lambda: "chief")
    return made, lambda *words: CliRunner().invoke(app, list(words))


def test_the_commands_go_through_the_law_that_the_profile_names_and_give_no_advice(
    command: tuple[Station, Callable[..., Any]], tmp_path: Path
) -> None:
    made, call = command
    told = json.loads(call("policy", "check", "--json").stdout)
    assert told["law"]["name"].startswith("Washington")
    assert "lawyer" in told["law"]["advice"]
    verdicts = {one["clause"]: one["verdict"] for one in told["law"]["clauses"]}
    assert (verdicts["3(4)"], verdicts["4(2) to 4(4)"]) == ("not_checked", "people")
    assert {check["check"] for check in told["checks"]} == {one.name for one in law(made).checks}
    assert "mvd" not in {check["check"] for check in told["checks"]}, "what only the order asks"
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
