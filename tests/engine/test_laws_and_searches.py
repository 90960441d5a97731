"""What the gate asks of a search by the laws of states, and of agencies of other states."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from platestream.access.inquire import RefusedInquiry
from platestream.operators.people import PeopleRules, declaration_objection
from platestream.policy.laws import law_of
from platestream.schemas.gate_rules import of_profile
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import DAY, HOUR, set_rules, user
from tests.support.clock import NOW
from tests.support.station import Station

pytestmark = pytest.mark.slow


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
    for fields, refused in [(fields, refused) for law_, fields, refused in SEARCHES if law_ == name]:
        if refused:
            with pytest.raises(RefusedInquiry, match=refused):
                made.search(**fields)
        else:
            assert made.search(**fields) == []
            allowed.append((fields.get("violation", ""), ""))
    kept = made.database.rows(
        "SELECT violation, declaration FROM platestream.inquiry_log "
        "WHERE outcome = 'allowed' AND kind = 'search' ORDER BY at"
    )
    assert kept == allowed


def other(name: str, state: str, **changes: Any) -> list[RegistryRecord]:
    agency = RegistryRecord(kind="agency", id=name, name=name, state=state, mou_from=NOW - DAY, **changes)
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
    for number, (fields, state, refused) in enumerate(DECLARED):
        agency, person = other(f"a{number}", state, **fields)
        made.put(agency, person)
        assert bool(declaration_objection(agency, NOW, rules)) is bool(refused), (
            "the second opinion says the same"
        )
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


def law(made: Station) -> Any:
    found = law_of(made.profile)
    assert found is not None
    return found


def test_searches_that_got_past_the_gate_and_lists_that_grew_old_turn_the_verdict(
    under: Callable[[str], Station],
) -> None:
    made = under("washington")
    fields = {"purpose": "felony or gross misdemeanor", "violation": "robbery"}
    made.search(**fields)
    made.follow()
    assert made.verdict("searched") == ("held", "")
    made.log(purpose="felony or gross misdemeanor", case_number="26-0101", at=datetime.now(UTC))
    made.log(**fields, at=datetime.now(UTC))
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
