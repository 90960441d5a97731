"""A prohibited purpose is found in other letters, too; what only looks a little like it is not."""

import pytest

from platestream.operators.inquiry_checks.text_folding import LOOK_ALIKES, LOOK_ALIKES_LETTERS, matches_any

PATTERNS = ("immigra", "first amendment", "personal (use|interest|reason)", "\\bice (agent|hold)")
EVASIONS = (
    *(
        "Immigration",
        "IMMIGRATION",
        "ımmıgratıon case",
        "immigrаtiоn",
        "ιmmigrατion",
        "1mm1gr4t10n",
        "!mm!gration",
    ),
    *(
        "i.m.m.i.g.r.a.t.i.o.n",
        "i m m i g r a t i o n",
        "im-mi-gra-tion",
        "immi\u200bgration",
        "immi\u00adgration",
    ),
    *(
        "ｉｍｍｉｇｒａｔｉｏｎ",
        "𝐢𝐦𝐦𝐢𝐠𝐫𝐚𝐭𝐢𝐨𝐧",
        "immigrátion",
        "First-Amendment march",
        "first  amendment",
        "firstamendment",
    ),
    *(
        "for personal  use",
        "per.sonal use",
        "an ICE agent asked",
        "about immi gration",
        "a i m-migra tion case",
    ),
)
INNOCENT = (
    *(
        "Burglary on 1st West",
        "Stolen Ford F-150",
        "black ice on the road",
        "hit and run at a police station",
    ),
    *("Migratory bird theft", "Personnel carrier stolen", "26-001234"),
    *("Timmi Gray saw it", "Kimmi Grant reported it"),
)


def test_each_look_alike_stands_for_one_letter() -> None:
    assert len(LOOK_ALIKES) == len(LOOK_ALIKES_LETTERS) == len(set(LOOK_ALIKES))
    assert set(LOOK_ALIKES_LETTERS) <= set("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize("text", EVASIONS)
def test_other_letters_do_not_get_around_a_pattern(text: str) -> None:
    assert matches_any(text, PATTERNS)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_something_else_is_not_found(text: str) -> None:
    assert not matches_any(text, PATTERNS)
