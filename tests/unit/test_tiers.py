"""What stands in which folder of tests, so that each can be run by itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
ENGINES = {  # what opens a database, a broker, a browser, a camera or a server
    *(
        "tests.support.database",
        "tests.support.kafka_broker",
        "tests.support.browser",
        "tests.support.agency",
    ),
    *("tests.support.prometheus", "tests.support.engine", "tests.support.clients", "tests.support.door"),
    *("chdb", "playwright", "confluent_kafka", "platestream.reading.ocr"),
}


def imported(folder: str) -> Iterator[tuple[str, str]]:
    for path in sorted((TESTS / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                yield path.name, str(node.module)
            elif isinstance(node, ast.Import):
                yield from ((path.name, alias.name) for alias in node.names)


def test_unit_tests_need_no_engine_broker_or_browser() -> None:
    assert [one for one in imported("unit") if one[1] in ENGINES] == []


def test_no_test_reads_the_clock_when_it_is_imported() -> None:
    """But one place, for tests whose database judges by its own clock."""
    found = set()
    for path in TESTS.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            for call in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
                if isinstance(call, ast.Call) and ast.unparse(call.func) in (
                    "datetime.now",
                    "date.today",
                    "time.time",
                ):
                    found.add(path.name)
    assert found == {"clock.py"}
