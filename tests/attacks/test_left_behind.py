"""Pictures and lists that stay on a person's device or on the disk of the console."""

import re
import tempfile
from html import unescape
from pathlib import Path

import pytest

from platestream.web.sessions import REST_LIVES
from tests.support.console import Pages
from tests.support.database import Database
from tests.support.door import person, shift
from tests.support.hits import put_hit
from tests.support.listing import file, look_at


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    made = Pages(database, tmp_path / "data")
    made.staff(person("vale", "officer"))
    made.put(shift("vale"))
    return made


def test_no_browser_stores_a_picture_of_a_detection(pages: Pages) -> None:
    officer = pages.browser("vale")
    officer.get(f"/hits/{put_hit(pages.database, 1)}")
    links = [unescape(one) for one in re.findall(r'src="(/pictures/[^"]+)"', officer.page)]
    assert [officer.client.get(one).headers["cache-control"] for one in links] == ["no-store"] * 2
    held = "SELECT count() FROM items WHERE kind = 'pictures'"
    assert pages.console.shared.run(held) == [(1,)]
    pages.clock.forward(seconds=REST_LIVES.total_seconds())
    pages.console.tend()
    assert pages.console.shared.run(held) == [(0,)], "the console's own copy, for the second one of a page"


def test_no_list_that_is_uploaded_lies_in_a_temporary_file(
    pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages.staff(person("vale"))
    supervisor = pages.browser("vale")
    supervisor.get("/hotlist/import")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert look_at(supervisor, file("1", reason="x" * 2_000_000)).status_code == 200
