"""Rules that an administrator makes looser than the order, by acts, for good or for an hour."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from platestream.access import gate_rules
from platestream.schemas.gate_rules import GateRules
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import CASE, DAY, PROFILE, Agency, user
from tests.support.clock import NOW
from tests.support.door import door_of
from tests.support.factors import give

LOOSENED = "which the rules before and those in force now refuse"


@pytest.fixture(autouse=True)
def _factor(agency: Agency) -> None:
    """The chief has just given the second factor: the agency may have been made long before this test."""
    give(door_of(agency.database, "chief", data=agency.data))


def strict(agency: Agency) -> GateRules:
    return gate_rules.in_force(agency.database.client())


def faults(agency: Agency, check: str, **changes: Any) -> str:
    return " ".join(agency.results(check, **changes)[check].faults)


def profile(section: str, **changed: Any) -> dict[str, Any]:
    """The agency's profile with these values in a section, as an argument of `Agency.results`."""
    values = msgspec.structs.replace(getattr(PROFILE, section), **changed)
    return {"profile": msgspec.structs.replace(PROFILE, **{section: values})}


@pytest.mark.parametrize("pattern", ["^.{5,}$", "(?i)^[a-z]{6,}$", "[a-z ]{20}"])
def test_a_pattern_that_accepts_long_texts_only_is_found(agency: Agency, pattern: str) -> None:
    assert "accepts" in faults(agency, "case_pattern", **profile("inquiries", case_number=pattern))


def test_a_search_while_any_text_was_a_case_number_is_found(agency: Agency) -> None:
    before = strict(agency)
    agency.rule(replace(before, case_number="^.{5,}$"))
    agency.enter("search", who="smith", pattern="AB*", case_number="girlfriend")
    agency.enter("search", who="smith", pattern="AB*", case_number=CASE)
    agency.rule(before)
    assert faults(agency, "case_pattern") == ""
    assert "1 look for a reason that says nothing, by smith" in faults(agency, "reasons")


def test_a_search_for_a_purpose_that_was_not_prohibited_for_an_hour_is_found(agency: Agency) -> None:
    before = strict(agency)
    agency.rule(replace(before, prohibited=("zzzz",)))
    agency.enter("search", who="smith", pattern="AB*", case_number=CASE, reason="Pers0nal use")
    assert "do not prohibit: personal use, curiosity" in faults(agency, "purposes")
    agency.rule(before)
    assert f"1 act by smith, {LOOSENED}" in faults(agency, "purposes")


def test_a_purpose_is_found_when_its_pattern_comes_back_in_other_letters(agency: Agency) -> None:
    before = strict(agency)
    agency.rule(replace(before, prohibited=("zzzz",)))
    agency.enter("search", who="smith", pattern="AB*", case_number=CASE, reason="Personal use")
    agency.rule(replace(before, prohibited=tuple(f"({one})" for one in before.prohibited)))
    assert f"1 act by smith, {LOOSENED}" in faults(agency, "purposes")


def test_a_search_by_a_pattern_of_case_numbers_of_an_hour_is_found(agency: Agency) -> None:
    before = strict(agency)
    agency.rule(replace(before, case_number=f"{before.case_number}|^ex wife$"))
    agency.enter("search", who="smith", pattern="AB*", case_number="ex wife")
    agency.rule(before)
    assert f"1 act by smith, {LOOSENED}" in faults(agency, "reasons")


def test_a_search_while_old_training_was_in_force_again_is_found(agency: Agency) -> None:
    agency.register(user("old", "officer", trained_at=NOW - 500 * DAY))
    before = strict(agency)
    agency.rule(replace(before, training_days=3650, training_span="3650 days"))
    agency.enter("search", who="old", pattern="AB*", case_number=CASE)
    agency.rule(before)
    agency.register(user("old", "officer", trained_at=NOW - DAY))
    assert f"1 act by old, {LOOSENED}" in faults(agency, "trained")


def test_a_legal_basis_and_a_reason_for_no_evidence_that_said_nothing_for_an_hour_are_found(
    agency: Agency,
) -> None:
    before = strict(agency)
    agency.rule(replace(before, reason_letters=1, boilerplate=()))
    asked = {"requester": "A newspaper", "legal_basis": "official use", "case_number": CASE}
    agency.enter("search", who="smith", pattern="AB*", **asked)
    agency.enter("evidence_not_needed", CASE, who="smith", reason="none", case_number=CASE)
    agency.rule(before)
    assert f"1 act by smith, {LOOSENED}" in faults(agency, "requests")
    assert f"1 act by smith, {LOOSENED}" in faults(agency, "reasons")


def test_rules_that_were_loosened_blame_nobody_for_what_they_never_asked(agency: Agency) -> None:
    first = strict(agency)
    agency.rule(replace(first, reason_letters=2))
    agency.enter("search", who="smith", pattern="AB*", reason="tow")
    agency.rule(replace(first, reason_letters=3))
    assert faults(agency, "reasons") == ""


def test_data_that_the_job_deleted_by_a_shorter_period_of_an_hour_are_found(agency: Agency) -> None:
    before = strict(agency)
    agency.rule(replace(before, retention_s=180))
    agency.retain(timedelta(minutes=3))
    assert faults(agency, "job") == "", "that is the rule now"
    agency.rule(before)
    assert "receipts of runs that deleted too early" in faults(agency, "job")


def test_a_search_while_any_word_was_a_reason_is_found(agency: Agency) -> None:
    before = strict(agency)
    agency.rule(replace(before, reason_letters=1, boilerplate=()))
    agency.enter("search", who="smith", pattern="AB*", reason="check")
    assert faults(agency, "reasons") == "", "that is the rule now"
    agency.rule(before)
    assert f"1 act by smith, {LOOSENED}" in faults(agency, "reasons")


def test_rules_that_ask_for_more_of_a_reason_later_blame_nobody_for_before(agency: Agency) -> None:
    agency.enter("search", who="smith", pattern="AB*", reason="A stolen truck")
    before = strict(agency)
    agency.rule(replace(before, reason_letters=40, boilerplate=(*before.boilerplate, "stolen", "truck")))
    assert faults(agency, "reasons") == ""


def test_a_search_of_an_agency_without_an_mou_while_none_was_needed_is_found(agency: Agency) -> None:
    agency.register(RegistryRecord(kind="agency", id="town", name="Town"))
    before = strict(agency)
    agency.rule(replace(before, mou_required=False))
    said = {"partner": "town", "agency": "town", "trained_on": f"{NOW - 9 * DAY:%Y-%m-%d}", "pattern": "AB*"}
    agency.enter("search", who="doe", case_number=CASE, **said)
    agency.enter("partner_search", "search", who="smith", case_number=CASE, change="asked: town")
    assert faults(agency, "agencies") == "", "that is the rule now"
    agency.rule(before)
    assert f"2 acts by smith, town/doe, {LOOSENED}" in faults(agency, "agencies")
    agency.register(RegistryRecord(kind="agency", id="town", name="Town", mou_from=NOW - 9 * DAY))
    assert f"2 acts by smith, town/doe, {LOOSENED}" in faults(agency, "agencies"), "dated back afterwards"


def test_an_order_that_prohibits_another_purpose_later_blames_nobody_for_before(agency: Agency) -> None:
    agency.enter("search", who="smith", pattern="AB*", case_number=CASE, reason="parking survey")
    before = strict(agency)
    agency.rule(replace(before, prohibited=(*before.prohibited, "parking")))
    assert faults(agency, "purposes") == ""


def test_a_period_beyond_the_order_is_found_now_and_afterwards(agency: Agency) -> None:
    assert faults(agency, "rows") == ""
    assert "the order allows 30 days" in faults(agency, "rows", **profile("retention", data="150 days"))
    before = strict(agency)
    agency.rule(replace(before, retention_s=round(timedelta(days=150).total_seconds())))
    agency.rule(before)
    assert faults(agency, "rows") == "", "a slip that was put right within the hour kept no row"
    earlier = "SELECT * REPLACE (set_at - INTERVAL 1 DAY AS set_at) FROM platestream.gate_rules"
    agency.sql(f"INSERT INTO platestream.gate_rules {earlier} WHERE retention_s > 2592000")
    assert "stored data too long from" in faults(agency, "rows")


@pytest.mark.parametrize(
    "changed", [{"inquiries": 1}, {"inquiries_from": "1 day"}, {"utilization_from": "1 month"}]
)
def test_an_audit_of_less_than_the_order_asks_for_is_found(agency: Agency, changed: dict[str, Any]) -> None:
    assert faults(agency, "sampled") == ""
    assert "the order for 10 of 6 months" in faults(agency, "sampled", **profile("audit", **changed))


def test_a_draw_of_a_day_stays_found_when_the_rules_are_back(agency: Agency) -> None:
    agency.audit(of=DAY)
    assert "6 months asked for" in faults(agency, "sampled")


def test_a_neighbor_that_is_registered_as_this_agency_and_needs_no_mou_is_found(agency: Agency) -> None:
    assert faults(agency, "agencies") == ""
    agency.register(RegistryRecord(kind="agency", id="showlow", name="Show Low PD", own=True))
    assert "registered as this agency, which needs no MOU" in faults(agency, "agencies")


def test_loosened_rules_whose_row_is_deleted_afterwards_are_missed(agency: Agency) -> None:
    before = strict(agency)
    agency.rule(replace(before, reason_letters=1))
    agency.rule(before)
    soon = {"now": datetime.now(UTC) + timedelta(minutes=6)}
    assert "are not there" not in faults(agency, "ruled", **soon)
    agency.sql("ALTER TABLE platestream.gate_rules DELETE WHERE reason_letters = 1")
    assert "rules that an act put in force are not there" in faults(agency, "ruled", **soon)
