from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from platestream.schemas import tables
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.flows import detection

HOUR = timedelta(hours=1)
PLATES = ("ABC123", "ABC1234", "XBC129", "OHIO", "QQQ777")


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all tests here: each asks for itself."""
    with copied(migrated, tmp_path_factory.mktemp("rules")) as made:
        seen = {"captured_at": NOW - HOUR}
        reads = [msgspec.structs.replace(detection(plate), detection_id=uuid4(), **seen) for plate in PLATES]
        made.put(tables.DETECTIONS, *reads)
        yield made


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        ({"reason": ""}, "neither case number nor reason"),
        ({"reason": " \t\u00a0.-"}, "neither case number nor reason"),
        ({"reason": "", "case_number": "  "}, "neither case number nor reason"),
        ({"reason": "abc"}, "less than 5 letters"),
        ({"reason": "", "case_number": "x'; DROP"}, "no usable case number"),
        ({"kind": "download"}, "unknown kind"),
        ({"pattern": "AB%"}, "not searchable"),
        ({"pattern": "AB_1"}, "not searchable"),
        ({"pattern": "AB\\"}, "not searchable"),
        ({"pattern": "x' OR 1=1 --"}, "not searchable"),
        ({"pattern": "ABCDEFGHIJKLMNOPQ"}, "not searchable"),
        ({"pattern": "*"}, "too open"),
        ({"pattern": ""}, "too open"),
        ({"pattern": "?*A"}, "too open"),
        ({"since": NOW, "until": NOW - HOUR}, "ends before it begins"),
        ({"since": NOW, "until": NOW}, "ends before it begins"),
        ({"kind": "picture", "other": "no id"}, "by the id of its detection"),
        ({"kind": "hits", "other": "no id"}, "by its id"),
        ({"cameras": ["cam"] * 1001}, "more than 1000 cameras"),
    ],
)
def test_what_a_rule_refuses_is_in_the_log_with_the_rule_and_opens_nothing(
    database: Database, asked: dict[str, Any], rule: str
) -> None:
    inquiry = database.ask(**asked)
    row = database.logged(inquiry)
    assert row["outcome"] == "refused"
    assert rule in row["refusal"]
    assert database.refuses("search", inquiry)


@pytest.mark.parametrize(
    "asked",
    [
        {"reason": "", "case_number": "24-001234"},
        {"case_number": "?", "reason": "welfare check"},
        {"pattern": "*", "since": NOW - 7 * 24 * HOUR, "until": NOW},
        {"pattern": "ab-c 1?"},
    ],
)
def test_a_case_number_or_a_reason_is_enough(database: Database, asked: dict[str, Any]) -> None:
    inquiry = database.ask(**asked)
    assert (database.logged(inquiry)["outcome"], database.logged(inquiry)["refusal"]) == ("allowed", "")
    database.look("search", inquiry)


@pytest.mark.parametrize(
    ("pattern", "plates"),
    [
        ("ABC123", {"ABC123"}),
        ("abc-123", {"ABC123"}),
        ("ABC*", {"ABC123", "ABC1234"}),
        ("ABC???", {"ABC123"}),
        ("*BC12*", {"ABC123", "ABC1234", "XBC129"}),
        ("?BC12?", {"ABC123", "XBC129"}),
        ("*34", {"ABC1234"}),
        ("0HI0", {"OHIO"}),
        ("OHI*", {"OHIO"}),
        ("ZZZ*", set()),
    ],
)
def test_stars_stand_for_any_characters_question_marks_for_one_and_o_for_zero(
    database: Database, pattern: str, plates: set[str]
) -> None:
    rows = database.look("search", database.ask(pattern=pattern))
    assert {row[6] for row in rows} == plates
