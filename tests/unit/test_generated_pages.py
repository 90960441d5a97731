"""The generated files are those that `make generate` makes from the code."""

from pathlib import Path

import pytest

from docs.generate import pages

ROOT = Path(__file__).parents[2]
PAGES = pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_reference_page_is_what_the_code_says(path: Path) -> None:
    assert path.read_text() == PAGES[path], "make generate"


def test_no_other_schema_is_left() -> None:
    assert set((ROOT / "docs/reference/schemas").iterdir()) <= set(PAGES)
