"""The page of `platestream board`: its words and plots, the server, and a real browser that looks at it."""

import doctest
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page
from starlette.testclient import TestClient

from platestream.boards import BOARDS, formatting, plots
from platestream.boards.page import render, show
from platestream.boards.panel import Panel
from platestream.boards.queries import PanelAnswer, Period, ask_clickhouse
from platestream.boards.server import Boards, app
from platestream.edges.clickhouse_client import DASHBOARD, DatabaseError
from tests.support.boards import PEOPLE, PLATES, WORDS, fill
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.kafka_broker import free_port

PERIOD = Period(NOW - timedelta(hours=24), NOW)


def panel(kind: str, **changes: object) -> Panel:
    return Panel(kind, "Title", "It means.", "Do.", sql="SELECT 1", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("module", [formatting, plots])
def test_examples_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_a_number_gets_the_colour_of_its_step_and_nan_none() -> None:
    steps = ((float("-inf"), "green"), (10.0, "orange"), (20.0, "red"))
    assert [formatting.color_of(value, steps) for value in (0, 10, 25, None, float("nan"))] == [  # type: ignore[arg-type]
        *("green", "orange", "red", "none", "none")
    ]


def test_lines_are_told_apart_and_those_beyond_the_colours_are_counted() -> None:
    rows = [(NOW, f"camera {number}", float(number)) for number in range(11)]
    drawn, more = plots.lines(("time", "camera", "value"), rows)
    assert [line.name for line in drawn] == [f"camera {number}" for number in range(10, 2, -1)]
    assert more == 3
    assert len({line.colour for line in drawn}) == len(drawn)


def test_columns_of_numbers_are_lines_of_their_names() -> None:
    drawn, _more = plots.lines(("time", "half", "most"), [(NOW, 1.0, 2.0), (NOW, None, 3.0)])
    assert {line.name: [value for _at, value in line.points] for line in drawn} == {
        "most": [2, 3],
        "half": [1],
    }


def test_what_a_plot_is_given_cannot_leave_its_text() -> None:
    evil = '"><script>alert(1)</script>'
    places = [{"camera": evil, "latitude": 1.0, "longitude": 2.0, "age": 5}]
    assert "<script" not in plots.cameras(places, panel("map").steps, evil)
    drawn, _more = plots.lines(("time", "what", "value"), [(NOW, evil, 1.0)])
    assert "<script" not in plots.plot(drawn, PERIOD.since, PERIOD.until, "short", evil)


@pytest.mark.parametrize("kind", ["figure", "series", "bars", "map", "table"])
def test_a_panel_without_an_answer_says_so(kind: str) -> None:
    result = panel(kind, empty="Nothing yet")
    assert show(result, PanelAnswer(("a",), []), PERIOD).missing == "Nothing yet"
    assert show(result, PanelAnswer(missing="No answer"), PERIOD).missing == "No answer"
    assert (
        show(panel("figure", empty="Nothing yet"), PanelAnswer(("a",), [(None,)]), PERIOD).missing
        == "Nothing yet"
    )


def test_panels_of_prometheus_are_there_only_with_one() -> None:
    asked: list[Panel] = []

    def ask(one: Panel, _period: Period) -> PanelAnswer:
        asked.append(one)
        return PanelAnswer()

    without = render(ask, NOW, prometheus=False)
    assert all(one.sql for one in asked)
    assert "panels more need a Prometheus" in without
    asked.clear()
    assert "panels more need" not in render(ask, NOW, prometheus=True)
    assert len(asked) == sum(len(board.panels) for board in BOARDS)


@pytest.fixture(scope="module")
def filled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("page")) as made:
        fill(made)
        yield made


def boards(database: Database, prometheus: httpx.Client | None = None) -> Boards:
    return Boards(database.client(DASHBOARD), prometheus, lambda: datetime.now(UTC))


def test_the_page_is_for_this_machine_and_asks_nobody_else(filled: Database) -> None:
    client = TestClient(app(boards(filled)), base_url="http://127.0.0.1")
    page = client.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert re.findall(r'(?:src|href)="(?!#|/)[^"]*"|url\(|<script', page.text) == []
    assert client.get("/", headers={"host": "boards.example.com"}).status_code == 400
    assert client.get("/?hours=5").status_code == 400
    assert client.get("/?hours=168").status_code == 200
    assert client.get("/health").status_code == 200


def test_no_plate_person_or_word_is_on_the_page(filled: Database) -> None:
    text = TestClient(app(boards(filled)), base_url="http://127.0.0.1").get("/").text
    assert "Vehicle passes" in text
    assert [word for word in (*PLATES, *PEOPLE, *WORDS) if word in text] == []


def test_a_panel_that_fails_does_not_take_the_others_with_it(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(client: object, one: Panel, period: Period) -> PanelAnswer:
        if one.title == "Cameras":
            raise DatabaseError("panel Cameras", 159, passing=False)
        return ask_clickhouse(client, one, period)  # type: ignore[arg-type]

    monkeypatch.setattr("platestream.boards.server.ask_clickhouse", fails)
    text = boards(filled).page(None)
    assert "No answer: panel Cameras: it took longer than it may (ClickHouse code 159)" in text
    assert text.count("No answer") == 1


def test_a_prometheus_that_is_away_is_named(filled: Database) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{free_port()}") as away:
        text = boards(filled, away).page(None)
    assert "No answer from Prometheus: ConnectError" in text
    assert "Vehicle passes" in text


@pytest.fixture(scope="module")
def address(filled: Database) -> Iterator[str]:
    port = free_port()
    config = uvicorn.Config(app(boards(filled)), port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desktop", "phone"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    yield context.new_page()
    context.close()


def test_a_browser_shows_every_panel_and_says_nothing_of_errors(page: Page, address: str) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    titles = [one.title for board in BOARDS for one in board.panels if one.sql]
    assert page.locator("h3").all_inner_texts() == titles
    assert page.locator("h2").all_inner_texts() == [board.title for board in BOARDS]
    assert said == []
    assert {url for url in asked if not url.endswith("favicon.ico")} == {address}


def test_nothing_is_wider_than_the_window_or_lies_on_something_else(page: Page, address: str) -> None:
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    boxes = [box for box in (one.bounding_box() for one in page.locator("article").all()) if box]
    for first, one in enumerate(boxes):
        for other in boxes[first + 1 :]:
            apart = (
                one["x"] + one["width"] <= other["x"] + 1
                or other["x"] + other["width"] <= one["x"] + 1
                or one["y"] + one["height"] <= other["y"] + 1
                or other["y"] + other["height"] <= one["y"] + 1
            )
            assert apart


def test_figures_plots_and_what_to_do_can_be_seen(page: Page, address: str) -> None:
    page.goto(address)
    figure = page.locator("article", has=page.get_by_role("heading", name="Field precision", exact=True))
    assert figure.locator(".number").inner_text().replace("\n", "").startswith("75 %")
    plot = page.get_by_role("img", name="Vehicle passes by time")
    assert plot.locator("polyline, circle").count() > 0
    figure.get_by_text("What is this?").click()
    assert figure.get_by_text("When it looks wrong:").is_visible()


def test_links_lead_to_boards_and_to_other_times_and_the_page_comes_again_by_itself(
    page: Page, address: str
) -> None:
    page.goto(address)
    page.get_by_role("link", name="Retention", exact=True).click()
    assert page.get_by_role("heading", name="Retention", exact=True).is_visible()
    page.get_by_role("link", name="7 days").click()
    assert page.url == f"{address}?hours=168"
    assert page.get_by_text("Last 7 days.").count() == len(BOARDS)
    assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "60"
