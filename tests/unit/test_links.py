"""Links between the documents lead to files and headings that exist."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
PAGES = [ROOT / name for name in _LISTED.stdout.split() if (ROOT / name).exists()]
USERS = ROOT / "docs"


@cache
def headings(page: Path) -> frozenset[str]:
    """Return the anchors of a page, as MkDocs and forges make them of its headings."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)) for title in titles]
    return frozenset(re.sub(r"\s", "-", title.strip().lower()) for title in plain)


def links(page: Path) -> Iterator[str]:
    """Yield the addresses in a page, without those on the web."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for address in re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text):
        one = "".join(address)
        if not one.startswith(("http://", "https://", "mailto:")):
            yield one


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _hash, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in headings(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.is_relative_to(USERS)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_a_page_of_the_site_links_to_nothing_outside_of_it(page: Path) -> None:
    outside = [one for one in links(page) if not (page.parent / one).resolve().is_relative_to(USERS)]
    assert outside == []


def test_the_files_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    named = {one for one in re.findall(r"`([\w./-]+/[\w./-]*)`", text) if one.split("/")[0] in folders}
    examples = {one for one in named if re.search(r"/(x|NNNN_x)\.\w+$", one)}
    assert len(named) > 30
    assert {one for one in named - examples if not (ROOT / one).exists()} == set()
    assert {one for one in examples if not (ROOT / one).parent.is_dir()} == set()
