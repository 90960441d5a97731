from pathlib import Path

import pytest

from platestream.policy import profile

TEXT = (Path(profile.__file__).parent / "profiles" / "st-johns.toml").read_text()


@pytest.mark.parametrize("name", profile.names())
def test_every_profile_of_the_package_is_valid(name: str) -> None:
    assert profile.load(name).retention.span <= profile.LONGEST


def test_profiles_differ_in_rules_and_not_in_code() -> None:
    kept = {name: profile.load(name).retention.span.days for name in profile.names()}
    assert kept == {"st-johns": 30, "virginia": 21, "new-jersey": 150}
    assert profile.load("new-jersey").audit.certification
    assert not profile.load("virginia").sharing.out_of_state


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('data = "30 days"', 'data = "a while"', "line 9: retention.data: expected a number"),
        ('data = "30 days"', 'data = "2 minutes"', "line 9: retention.data: data are kept 3 minutes"),
        ('data = "30 days"', 'data = "151 days"', "150 days at most"),
        ('data = "30 days"', "data = 30", "line 9: retention.data: Expected `str`, got `int`"),
        ('data = "30 days"\n', "", "line 8: retention: `data` is missing"),
        ('data = "30 days"', 'data = "30 days"\ndays = 3', "line 10: retention"),
        ('["personal (use|', '["((', "line 14: purposes.prohibited"),
        ("mou_required = true", "mou_required = yes", "line 18"),
        ("inquiries = 10", "inquiries = 0", "line 26: audit.inquiries: Expected `int` >= 1"),
        ('due = "12-31"', 'due = "02-30"', "line 29: audit.due"),
        ('felony = "10 years"', 'felony = "long"', "evidence.schedules: felony: expected"),
    ],
)
def test_a_wrong_profile_is_refused_with_line_and_field(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(profile.ProfileError) as refused:
        profile.parse(TEXT.replace(old, new, 1), "own.toml")
    assert str(refused.value).startswith("own.toml")
    assert says in str(refused.value)


def test_a_profile_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(profile.ProfileError, match="new-jersey, st-johns, virginia"):
        profile.load("texas")
    with pytest.raises(profile.ProfileError, match="No such file"):
        profile.load(str(tmp_path / "own.toml"))


def test_an_agency_brings_its_own_file(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(TEXT.replace('"30 days"', '"3 minutes"'))
    assert profile.load(str(own)).retention.span == profile.SHORTEST
