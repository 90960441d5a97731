"""Pages of the console at an agency's size: rows to fill it with, and bytes as they cross the network.

A page weighs its answer and the files that it loads, once each. The street map (MapLibre GL) is loaded when
it comes into view, and a browser stores it for a year: it is no part of a page's weight.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.testclient import TestClient

from platestream.edges.changelog import publish
from platestream.edges.edge import Topics
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListChange, HotListEntry

BUDGET = 150_000
ENTRIES, HITS = 2_000, 100_000
HISTORICAL = 20  # one in so many hits is a find of a look-back
BLOCK = 100_000
_LOADED = re.compile(r'(?:src|href)="(/static/[^"]+|/manifest\.webmanifest)"')
_SPREAD = {"detections": (29 * 86_400, "detection_id"), "alert_hits": (20 * 3600, "hit_id")}


class PageWeight(NamedTuple):
    """Status and bytes of an answer, and the bytes of the files that it loads."""

    status: int
    page: int
    files: int

    @property
    def whole(self) -> int:
        """All bytes of a first visit."""
        return self.page + self.files


class Scales:
    """Weighs pages in a browser's session; each static file is fetched once."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self._files: dict[str, int] = {}

    def weigh(self, path: str, form: Mapping[str, Any] | None = None) -> PageWeight:
        """Open a page, or send a form to it. Raises PermissionError where the session has ended."""
        answer = self._client.request("GET" if form is None else "POST", path, data=form)
        if answer.url.path == "/sign-in":
            raise PermissionError(path)
        loaded = sorted(set(_LOADED.findall(answer.text)))
        for one in loaded:
            if one not in self._files:
                self._files[one] = self._client.get(one).num_bytes_downloaded
        files = sum(self._files[one] for one in loaded)
        return PageWeight(answer.status_code, answer.num_bytes_downloaded, files)


def fill_tables(owner: Any, detections: int, hits: int) -> None:
    """Insert copies of a row of each table with plates of their own: passes over the last 29 days, hits over
    the last day. `owner` is a connection of the account that migrates.
    """
    for table, count in (("detections", detections), ("alert_hits", hits)):
        seconds, key = _SPREAD[table]
        also = f", number % {HISTORICAL} = 0 AS historical" if table == "alert_hits" else ""
        for begin in range(0, count, BLOCK):
            numbers = f"arrayJoin(range({begin}, {min(begin + BLOCK, count)})) AS number"
            owner.command(
                f"INSERT INTO platestream.{table} SELECT * EXCEPT (number) REPLACE ("  # noqa: S608 - of this file
                f"generateUUIDv4(number) AS {key}, "
                f"now64(3) - toIntervalSecond(60 + number % {seconds}) AS captured_at, "
                f"concat('B', toString(sipHash64(number) % 900000 + 100000)) AS plate{also}) "
                f"FROM (SELECT *, {numbers} FROM (SELECT * FROM platestream.{table} LIMIT 1))"
            )


def fill_list(streams: Topics, entry: HotListEntry, count: int) -> None:
    """Publish `count` entries like this one, with plates and references of their own."""
    made = [
        msgspec.structs.replace(
            entry, entry_id=f"{entry.source}:b-{number}", plate=f"B{7 * number + 100_000}"
        )
        for number in range(count)
    ]
    publish(streams, topics.HOTLIST, [HotListChange(one.entry_id, one) for one in made])


def searches(case: Mapping[str, str], plate: str, other: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Return the forms of each kind of search, with path and fields, by a name for people."""
    return {
        "search": ("/search", {**case, "way": "search", "plate": "B1*"}),
        "search with pictures": ("/search", {**case, "way": "search", "plate": plate, "pictures": "yes"}),
        "look-alikes": ("/search", {**case, "way": "fuzzy", "plate": plate}),
        "companions": ("/search", {**case, "way": "companions", "plate": plate}),
        "meetings": ("/search", {**case, "way": "cotravel", "plate": plate, "other_plate": other}),
        "hits for a case": ("/hits", dict(case)),
        "hits of a plate": ("/hits", {**case, "plate": "B1*"}),
        "hot list of a plate": ("/hotlist", {**case, "plate": "B1*"}),
    }


def pages(routes: Mapping[tuple[str, str], Any], values: Mapping[str, str]) -> list[str]:
    """Return the addresses of all pages that are opened by a link. `values` has the parts of addresses; pages
    with other parts are left out.
    """
    found = ["/hits?list=historical"]
    for method, path in routes:
        parts = re.findall(r"{(\w+)(?::\w+)?}", path)
        key = path if path in values else ""
        if method == "GET" and (key or all(part in values for part in parts)):
            found.append(values[key] if key else re.sub(r"{(\w+)(:\w+)?}", lambda one: values[one[1]], path))
    return found
