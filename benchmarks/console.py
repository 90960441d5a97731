"""The console from outside: from an upload to the hit in open pages, a notice's link, pages over many rows.

The reader's own time, up to the hit on its topic, stands apart. Time of the database is taken where its
client waits for an answer, and what is left of a page is the console's own.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import httpx
from clickhouse_connect.driver._backend.http_sync import HttpSyncBackend
from starlette.testclient import TestClient

from benchmarks import page_weight
from benchmarks.page_weight import BUDGET, ENTRIES, HITS
from benchmarks.running import Live, listens, live, plates, register, until, upload, uploads
from platestream.access import accounts, registry, shifts
from platestream.access.door import Door
from platestream.demo.street import free_port
from platestream.edges.changelog import read_to_end
from platestream.edges.clickhouse_client import connect
from platestream.schemas import topics
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings, job_account, open_topics, system_account
from platestream.web import cookies
from platestream.web.app import ROUTES, app
from platestream.web.console import Console

PASSWORD = "bench password"  # noqa: S105 - of a system that lives for some minutes
CSRF = 'name="csrf" value="'
DETECTIONS = 100_000
ROUNDS = 3
BUDGET_MS = 200


class Drawn(NamedTuple):
    """Seconds from an upload to the hit on its topic, and to the first and the last open page that has it."""

    topic: float
    first: float
    last: float


def run(
    alerts: int, officers: int, detections: int = DETECTIONS, hits: int = HITS, rounds: int = ROUNDS
) -> dict[str, Any]:
    """All figures: `alerts` uploads into `officers` open pages; then each page at so many rows."""
    gateway, console = free_port(), free_port()
    listed = plates(alerts)
    with live(uploads(gateway), console) as system:
        system.up()
        until(lambda: listens(gateway) and listens(console))
        register(system, [*listed, "FST1234"])
        me = system_account()
        system.run("account", "set", me, said=PASSWORD + "\n")
        upload(gateway, "FST1234")
        until(lambda: system.count("alert_hits") > 0)
        people = [f"officer-{number}" for number in range(officers)]
        _staff(system, people)
        _on_shift(console, signed_in(console, me))
        tokens = [signed_in(console, who) for who in people]
        for token in tokens:
            _on_shift(console, token)
        drawn = _watched(system, gateway, console, tokens, listed)
        link = _linked(console, tokens[0])
        first = _first_visit(console)
        large = _large(system, me, detections, hits, rounds)
    return {
        "open_pages": officers,
        "upload_to_hit_on_topic_s": _spread([one.topic for one in drawn]),
        "topic_to_first_page_s": _spread([one.first - one.topic for one in drawn]),
        "topic_to_last_page_s": _spread([one.last - one.topic for one in drawn]),
        "link_to_page_with_pictures_s": _spread(link),
        "first_visit_kb": round(first / 1000, 1),
        "rows": {"detections": detections, "hits": hits, "hot_list_entries": ENTRIES},
        "over_kb": [name for name, one in large.items() if 1000 * one["kb"] > BUDGET],
        "over_ms": [name for name, one in large.items() if one["ms"]["p50"] > BUDGET_MS],
        "pages": large,
    }


def _staff(system: Live, people: list[str]) -> None:
    """Officers of the agency, each with the same password."""
    now = datetime.now(UTC)
    with Door.open(Settings(data=system.data), "bench") as door:
        for who in people:
            trained = now - timedelta(days=1)
            user = RegistryRecord(
                kind="user", id=who, name=who, agency="bench", employee_number=who, trained_at=trained
            )
            registry.put_user(door, user, now, ["officer"])
            accounts.passwords(door.settings).put(who, PASSWORD)


def signed_in(port: int, who: str) -> dict[str, str]:
    """Headers of a session; the cookie is for TLS, or for a browser's localhost."""
    fields = {"who": who, "password": PASSWORD, "next": "/"}
    answer = httpx.post(f"http://localhost:{port}/sign-in", data=fields)
    return {"cookie": f"{cookies.COOKIE}={answer.cookies[cookies.COOKIE]}"}


def _on_shift(port: int, session: dict[str, str]) -> None:
    page = httpx.get(f"http://localhost:{port}/hits", headers=session).text
    proof = page.partition(CSRF)[2].partition('"')[0]
    fields = {"csrf": proof, "hours": "8"}
    httpx.post(f"http://localhost:{port}/shift/begin", data=fields, headers=session, timeout=60)


def _watched(
    system: Live, gateway: int, console: int, sessions: list[dict[str, str]], listed: list[str]
) -> list[Drawn]:
    """Every page hears of every hit; when each did, by a thread of its own."""
    heard: list[list[float]] = [[] for _one in sessions]
    ready = [threading.Event() for _one in sessions]
    for place, session in enumerate(sessions):
        watcher = threading.Thread(
            target=_listen, args=(console, session, heard[place], ready[place]), daemon=True
        )
        watcher.start()
    for one in ready:
        one.wait(60)
    drawn, before = [], system.count("alert_hits")
    for number, plate in enumerate(listed):
        at = time.monotonic()
        upload(gateway, plate)
        until(lambda want=before + number + 1: system.count("alert_hits") >= want)  # type: ignore[misc]
        topic = time.monotonic() - at
        until(lambda want=number + 1: all(len(one) >= want for one in heard))  # type: ignore[misc]
        came = [one[number] - at for one in heard]
        drawn.append(Drawn(topic, min(came), max(came)))
        time.sleep(0.5)
    return drawn


def _listen(port: int, session: dict[str, str], heard: list[float], ready: threading.Event) -> None:
    where = f"http://localhost:{port}/hits/live"
    with (
        suppress(httpx.RemoteProtocolError),  # the system ended
        httpx.stream("GET", where, headers=session, timeout=None) as answer,  # noqa: S113 - until then
    ):
        for line in answer.iter_lines():
            ready.set()
            if line.startswith("id: "):
                heard.append(time.monotonic())


def _linked(port: int, session: dict[str, str]) -> list[float]:
    """A notice's link: the page of one hit, and both pictures."""
    base = f"http://localhost:{port}"
    with httpx.Client(headers=session, timeout=60) as browser:
        listed = browser.get(f"{base}/hits").text
        hits = [part.partition('"')[0] for part in listed.split('href="/hits/')[1:]]
        took = []
        for hit in hits:
            at = time.monotonic()
            page = browser.get(f"{base}/hits/{hit}").text
            for part in page.split('src="/pictures/')[1:]:
                browser.get(f"{base}/pictures/{part.partition(chr(34))[0].replace('&amp;', '&')}")
            took.append(time.monotonic() - at)
    return took


def _first_visit(port: int) -> int:
    """Bytes as they cross the network: the page of signing in, and all that it loads."""
    base = f"http://localhost:{port}"
    page = httpx.get(f"{base}/sign-in")
    paths = [
        part.partition('"')[0] for part in page.text.replace('src="', 'href="').split('href="/static')[1:]
    ]
    return sum(_bytes(where) for where in (f"{base}/sign-in", *(f"{base}/static{path}" for path in paths)))


def _bytes(where: str) -> int:
    with httpx.stream("GET", where) as answer:
        return sum(len(part) for part in answer.iter_raw())


def _large(system: Live, who: str, detections: int, hits: int, rounds: int) -> dict[str, Any]:
    """Each page at an agency's size: its bytes, and its time, whole and outside of the database."""
    settings = Settings(data=system.data)
    owner = connect(job_account(system.data / "accounts", "migrate").read_text().strip(), explain=True)
    page_weight.fill_tables(owner, detections, hits)
    system.rest()  # rows of a month came within seconds, and are still counted and merged
    streams = open_topics(settings, follow=False)
    entries = [
        one.entry for one in map(topics.HOTLIST.decode, read_to_end(streams, topics.HOTLIST)) if one.entry
    ]
    page_weight.fill_list(streams, entries[0], ENTRIES)
    console = Console(settings)
    console.prepare()
    versions = {"password": console.passwords.version(who), "resets": accounts.resets(settings, who)}
    token, session = console.sessions.begin(who, datetime.now(UTC), **versions)
    browser = TestClient(app(console), "https://localhost", cookies={cookies.COOKIE: token})
    assert shifts.shift_of(console.people()[0], who, datetime.now(UTC)) is not None
    (hit,) = owner.query("SELECT hit_id FROM platestream.alert_hits LIMIT 1").result_rows[0]
    values = {
        "hit": str(hit),
        "year": str(datetime.now(UTC).year),
        "/administration/people/{name:path}": f"/administration/people/{who}",
        "/administration/agencies/{name:path}": "/administration/agencies/bench",
    }
    case = {"csrf": session.csrf, "case_number": "26-001234"}
    plate, other = entries[0].plate, entries[-1].plate
    asked: dict[str, tuple[str, dict[str, str] | None]] = {
        path: (path, None) for path in page_weight.pages(ROUTES, values)
    }
    asked.update(page_weight.searches(case, plate, other))
    scales = page_weight.Scales(browser)
    figures = {}
    for name, (path, form) in asked.items():
        weight = scales.weigh(path, form)
        if weight.status not in (200, 404):
            raise RuntimeError(f"{name} answered {weight.status}")
        call = partial(browser.request, "GET" if form is None else "POST", path, data=form)
        whole, own = zip(*(_timed(call) for _round in range(rounds)), strict=True)
        figures[name] = {
            "kb": round(weight.whole / 1000, 1),
            "ms": _in_ms(whole),
            "outside_database_ms": _in_ms(own),
        }
    console.close()
    return figures


def _timed(call: Callable[[], Any]) -> tuple[float, float]:
    with _database_time() as waited:
        began = time.monotonic()
        call()
        whole = time.monotonic() - began
    return whole, whole - sum(waited)


@contextmanager
def _database_time() -> Iterator[list[float]]:
    """Add up the seconds that the client waits for answers meanwhile."""
    asks: Any = HttpSyncBackend.request
    waited: list[float] = []

    def timed(self: Any, *arguments: Any, **options: Any) -> Any:
        began = time.monotonic()
        try:
            return asks(self, *arguments, **options)
        finally:
            waited.append(time.monotonic() - began)

    HttpSyncBackend.request = timed  # type: ignore[method-assign]
    try:
        yield waited
    finally:
        HttpSyncBackend.request = asks  # type: ignore[method-assign]


def _spread(seconds: list[float]) -> dict[str, Any]:
    ranked = sorted(seconds)
    last = min(len(ranked) - 1, round(0.99 * len(ranked)))
    return {"n": len(ranked), "p50": round(statistics.median(ranked), 3), "p99": round(ranked[last], 3)}


def _in_ms(seconds: tuple[float, ...]) -> dict[str, float]:
    ranked = sorted(seconds)
    p95 = ranked[min(len(ranked) - 1, round(0.95 * len(ranked)))]
    return {"p50": round(1000 * statistics.median(ranked), 1), "p95": round(1000 * p95, 1)}
