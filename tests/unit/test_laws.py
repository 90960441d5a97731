"""Each profile's law: its table is whole, and no rule of one profile is another's."""

from time import strptime
from typing import Any

import pytest

from docs.generators import served
from platestream.access.profiles import load, names
from platestream.policy import service as checking
from platestream.policy.laws import LAWS, Law, law_of
from platestream.policy.table import CHECKS
from platestream.schemas.gate_rules import GateRules, of_profile

# What each profile asks, told here once more: a rule that changes or leaks shows as a difference.
ASKS: dict[str, dict[str, Any]] = {
    "st-johns": {},
    "virginia": {"purposes": 4, "inside": "VA"},
    "new-jersey": {"declares": "NJ"},
    "oregon": {"purposes": 8, "inside": "OR", "case": True, "violation": ("vehicle used in a crime",)},
    "washington": {
        **{"purposes": 5, "inside": "WA", "case": True, "violation": ("felony or gross misdemeanor",)},
        "places": {"health_facility", "immigration", "school", "worship", "court", "food_bank"},
    },
}


@pytest.mark.parametrize("name", names())
def test_a_profile_has_its_own_rules_and_no_other(name: str) -> None:
    others = [load(other) for other in names() if other != name]
    for other in others:  # what somebody does to one profile's lists is not seen in another's
        other.purposes.prohibited.append("leaked")
        other.purposes.violation_for.append("leaked")
        other.rhythms.clear()
    profile, asks = load(name), ASKS[name]
    rules: GateRules = of_profile(name, profile)
    assert "leaked" not in rules.prohibited
    assert len(rules.purposes) == asks.get("purposes", 0)
    assert rules.out_of_state is ("inside" not in asks)
    assert rules.own_state == asks.get("inside", asks.get("declares", ""))
    assert (rules.declaration, rules.declaration_outside) == ("declares" in asks, "declares" in asks)
    assert rules.case_required is asks.get("case", False)
    assert rules.violation_for == asks.get("violation", ())
    assert set(profile.places.refused) == asks.get("places", set())
    law = law_of(profile)
    assert checking.checks_of(profile) == (CHECKS if law is None else law.checks)
    assert law is None or law.key == name


def test_the_default_is_the_order_with_its_own_table_and_nothing_of_the_laws() -> None:
    assert checking.checks_of(load("st-johns")) is CHECKS
    assert {clause for check in CHECKS for clause in check.clauses} & {"4", "8(1)", "F", "21 days"} == set()


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_every_clause_of_a_law_has_checks_or_says_why_none_and_how_it_was_read(law: Law) -> None:
    numbers = [clause.number for clause in law.clauses]
    assert len(numbers) == len(set(numbers))
    for clause in law.clauses:
        assert bool(clause.checks) + bool(clause.people) + (clause.read == "unread") == 1, clause.number
        assert clause.source or clause.read in ("memory", "unread", "own"), clause.number
        assert not clause.checks or served.LAWS[law.key][clause.number], clause.number
    assert set(served.LAWS[law.key]) <= set(numbers)
    assert all(one.where and one.dated and one.read for one in law.sources.values())
    assert {one.source for one in law.clauses} - {""} == set(law.sources)
    rhythms = load(law.key).rhythms
    named = {
        check.name.partition("_")[2]
        for check in law.checks
        if check.name.startswith(("audit_", "published_"))
    }
    assert named == set(rhythms), "each rhythm has its check"
    for name, one in rhythms.items():
        assert (f"audit_{name}" in {check.name for check in law.checks}) is one.audit
        assert (f"published_{name}" in {check.name for check in law.checks}) is bool(one.publish)


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
@pytest.mark.parametrize("outcome", ["held", "not_held", "not_checked"])
def test_a_clause_of_which_no_text_was_read_is_never_held(law: Law, outcome: checking.Outcome) -> None:
    results = [checking.Result(check, outcome, "") for check in law.checks]
    for clause, said, _found in checking.by_law(law, results):
        if clause.people:
            assert said == "people"
        elif clause.read == "unread" or (clause.read == "memory" and outcome == "held"):
            assert said == "not_checked"
        else:
            assert said == outcome


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_every_source_of_a_law_has_the_day_on_which_it_was_read(law: Law) -> None:
    assert all(strptime(one.read, "%d %B %Y").tm_year >= 2026 for one in law.sources.values())
