"""Help of the console: each page has a guide that exists, and the site has the headers of the console."""

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from platestream.web import help as help_pages
from platestream.web.app import ROUTES
from platestream.web.headers import HEADERS, Headers
from tests.unit.test_links import headings

DOCS = Path(__file__).parents[2] / "docs"


class Drawn:
    """A console that draws a template as its name and what it shows."""

    def render(self, template: str, _visit: None, **shown: Any) -> str:
        return f"{template}: {shown}"


def browser(site: Path, sources: Path = DOCS) -> TestClient:
    console: Any = Drawn()
    routes = help_pages.routes(console, site, sources)
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Headers)]))


@pytest.mark.parametrize("address", sorted(set(help_pages.GUIDES.values())))
def test_a_guide_exists(address: str) -> None:
    page, _hash, anchor = address.partition("#")
    source = (DOCS / page).with_suffix(".md")
    assert source.is_file()
    assert not anchor or anchor in headings(source)


@pytest.mark.parametrize("path", sorted({path for _method, path in ROUTES}))
def test_each_page_of_the_console_has_a_guide(path: str) -> None:
    assert help_pages.guide_address(re.sub(r"/\{.*", "/x", path)).startswith("/help/")
    if path != "/":
        begins = [one for one in help_pages.GUIDES if one != "/" and f"{path}/".startswith(f"{one}/")]
        assert begins or path.startswith(("/undo", "/pictures"))


def test_the_longest_beginning_of_a_path_counts() -> None:
    assert help_pages.guide_address("/hotlist/offers/take") == (
        "/help/how-to/administrator/partners.html#offer-and-take-entries"
    )
    assert help_pages.guide_address("/hotlist/entry") == "/help/how-to/administrator/hot-lists.html"
    assert help_pages.guide_address("/nowhere") == "/help/index.html"


def test_the_built_site_is_served_with_the_headers_of_the_console(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("built")
    visitor = browser(tmp_path)
    answer = visitor.get("/help")
    assert (answer.text, answer.url.path) == ("built", "/help/index.html")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["Cache-Control"] == "no-cache"
    assert visitor.get("/help/../pyproject.toml").status_code == 404


def test_without_a_site_the_source_is_shown_and_nothing_else(tmp_path: Path) -> None:
    visitor = browser(tmp_path / "none")
    assert "# Work alert hits" in visitor.get("/help/how-to/officer/hits.html").text
    for path in ("generate.py", "how-to/nowhere.html", "%2e%2e/README.html", "/etc/passwd.html"):
        assert visitor.get(f"/help/{path}").status_code == 404


def test_without_sources_it_says_how_the_site_is_built(tmp_path: Path) -> None:
    answer = browser(tmp_path / "none", tmp_path / "nowhere").get("/help/index.html")
    assert (answer.status_code, answer.text) == (200, "help.html: {'text': ''}")
