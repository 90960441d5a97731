"""The pages on attackers and on faults name tests and targets that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "tests/attacks/README.md").read_text()
LICENSES = (ROOT / "docs/decisions/licenses.md").read_text()
CJIS = (ROOT / "docs/reference/cjis.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", PAGE + CJIS)))
RELIABILITY = (ROOT / "benchmarks/notes/reliability.md").read_text()
FILES = sorted(set(re.findall(r"`([a-z_/]+\.py)`", RELIABILITY)))
LINKS = sorted(set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE)))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 50
    assert len(re.findall(r"::test_", PAGE)) == len(re.findall(r"`[a-z_/]+\.py::test_\w+`", PAGE))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_as_proof_is_there(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / "tests" / file).read_text()


def test_each_control_that_the_product_meets_has_a_test() -> None:
    rows = [row.split(" | ") for row in CJIS.splitlines() if re.match(r"\| [A-Z]{2}-\d", row)]
    assert len(rows) > 40
    assert {row[1] for row in rows} == {"product", "both", "agency", "missing"}
    assert [row[0] for row in rows if row[1] == "product" and "::test_" not in row[3]] == []


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_breaks_something_is_there(file: str) -> None:
    assert (ROOT / "tests" / file).exists() or (ROOT / file).exists()


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / "tests/attacks" / link).resolve().exists()


def test_targets_that_are_named_are_in_the_makefile() -> None:
    targets = re.findall(r"`make ([a-z]+)`", LICENSES)
    makefile = (ROOT / "Makefile").read_text()
    assert {"sbom", "audit"} <= set(targets)
    assert [one for one in targets if not re.search(rf"^{one}:", makefile, re.MULTILINE)] == []
