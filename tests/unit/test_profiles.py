from datetime import timedelta
from pathlib import Path

import pytest

from platestream.access import profiles
from platestream.access.profiles import load, names
from platestream.schemas.profile import LONGEST, SHORTEST, ProfileError, due, parse

TEXT = (Path(profiles.__file__).parent / "st-johns.toml").read_text()


@pytest.mark.parametrize("name", names())
def test_every_profile_of_the_package_is_valid(name: str) -> None:
    assert load(name).retention.span <= LONGEST


def test_profiles_differ_in_rules_and_not_in_code() -> None:
    assert load("virginia").retention.span < load("st-johns").retention.span
    assert load("new-jersey").audit.certification
    assert not load("virginia").sharing.out_of_state


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('data = "30 days"', 'data = "a while"', "line 11: retention.data: expected a number"),
        ('data = "30 days"', 'data = "2 minutes"', "line 11: retention.data: data are kept 3 minutes"),
        ('data = "30 days"', 'data = "151 days"', "150 days at most"),
        ('data = "30 days"', "data = 30", "line 11: retention.data: Expected `str`, got `int`"),
        ('data = "30 days"\n', "", "line 10: retention: `data` is missing"),
        ('data = "30 days"', 'data = "30 days"\ndays = 3', "line 12: retention"),
        ('["personal (use|', '["((', "line 20: purposes.prohibited"),
        ("mou_required = true", "mou_required = yes", "line 24"),
        ("inquiries = 10", "inquiries = 0", "line 32: audit.inquiries: Expected `int` >= 1"),
        ('due = "12-31"', 'due = "02-30"', "line 35: audit.due"),
        ('felony = "10 years"', 'felony = "long"', "evidence.schedules: felony: expected"),
        (
            "[evidence]",
            '[alerts]\ndisproved_for = "31 days"\n[evidence]',
            "line 39: alerts.disproved_for: is longer",
        ),
        (
            "[evidence]",
            '[alerts]\ndisproved_for = "ever"\n[evidence]',
            "alerts.disproved_for: expected a number",
        ),
    ],
)
def test_a_wrong_profile_is_refused_with_line_and_field(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(ProfileError) as refused:
        parse(TEXT.replace(old, new, 1), "own.toml")
    assert str(refused.value).startswith("own.toml")
    assert says in str(refused.value)


def test_a_profile_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=", ".join(names())):
        load("none")
    with pytest.raises(ProfileError, match="No such file"):
        load(str(tmp_path / "own.toml"))


def test_an_agency_brings_its_own_file(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(TEXT.replace('"30 days"', '"3 minutes"'))
    assert load(str(own)).retention.span == SHORTEST


def test_disproved_pairs_are_remembered_as_long_as_the_data_unless_the_profile_says_less() -> None:
    assert load("virginia").disproved_for == load("virginia").retention.span
    shorter = parse(TEXT + '[alerts]\ndisproved_for = "7 days"\n', "own.toml")
    assert shorter.disproved_for == timedelta(days=7)


def test_an_audit_may_be_due_more_than_once_a_year() -> None:
    quarterly = parse(TEXT.replace('due = "12-31"', 'due = ["06-30", "03-31", "09-30", "12-31"]'), "own.toml")
    assert [f"{day:%m-%d}" for day in due(quarterly, 2026)] == ["03-31", "06-30", "09-30", "12-31"]
    with pytest.raises(ProfileError, match=r"line 35: audit\.due"):
        parse(TEXT.replace('due = "12-31"', 'due = ["03-31", "06-31"]'), "own.toml")


def test_who_shares_inside_its_state_only_says_which_that_is() -> None:
    inside = TEXT.replace("mou_required = true", "mou_required = true\nout_of_state = false")
    assert parse(inside, "own.toml").agency.state == "AZ"
    with pytest.raises(ProfileError, match="line 2: agency: `state` is missing"):
        parse(inside.replace('state = "AZ"\n', ""), "own.toml")
