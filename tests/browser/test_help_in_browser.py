"""The site of the documents works in a browser under the console's headers, without the network."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.middleware import Middleware

from platestream.web import help as help_pages
from platestream.web.headers import Headers
from tests.support.kafka_broker import free_port

ROOT = Path(__file__).parents[2]
PAGES = ("index.html", "how-to/officer/hits.html", "reference/commands.html", "explanation/security.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("help") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    console: Any = None
    app = Starlette(routes=help_pages.routes(console, folder), middleware=[Middleware(Headers)])
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/help"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page()
    yield made
    made.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_breaks_no_rule_and_loads_its_own_files_only(site: str, page: Page, path: str) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.on("request", lambda request: None if request.url.startswith(site) else said.append(request.url))
    page.goto(f"{site}/{path}", wait_until="networkidle")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert said == []


def test_the_search_finds_a_word(site: str, page: Page) -> None:
    page.goto(f"{site}/index.html")
    page.get_by_placeholder("Search").press_sequentially("quarantine", delay=20)
    expect(page.locator(".md-search-result__item").first).to_be_visible()
