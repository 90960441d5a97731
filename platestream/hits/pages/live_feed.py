"""Live alert hits: one thread reads their topic and sends them to the open pages of people on shift.

A page receives a line of the list with its priority. Each line is a view by that officer and is logged as
such; the views of all who are shown one hit are logged together. A page answers each heartbeat, which shows
that its device is there: the session lasts, and others see that the officer is connected.
"""

import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from platestream.access import shifts
from platestream.hits import service as job
from platestream.hits.alert_feed import LiveHit
from platestream.hits.pages import hits
from platestream.operators.notify.rules import TOP
from platestream.schemas.escape_invisible import escape_invisible
from platestream.schemas.registry import RegistryRecord
from platestream.web import cookies
from platestream.web.sessions import Session

if TYPE_CHECKING:
    from platestream.web.console import Console

log = logging.getLogger(__name__)

FIRST_S = 20
"""Seconds for which a hit of a car sounds only there, unless it is of the top priority."""
HERE = "event: here\ndata: here\n\n"
"""Heartbeat."""


def follow(console: "Console") -> threading.Thread:
    """Read the topic in a thread for the life of the process; retry after failures."""
    thread = threading.Thread(target=_follow, args=(console,), name="alerts", daemon=True)
    thread.start()
    return thread


def _follow(console: "Console") -> None:
    while True:
        try:
            found = job.follow_hits(console.door(""))
            console.alerts.following = True
            for hit in found:
                announce(console, hit)
        except Exception as error:
            console.alerts.mark_gap()
            log.warning("new hits are not seen: %s; trying again", type(error).__name__)
        time.sleep(1)


def announce(console: "Console", hit: job.HitWithHistory) -> None:
    """Send a hit to everybody on shift with an open page: log a view for each, then send one line."""
    people, now = console.people()[0], console.clock()
    there = [who for who in console.alerts.people if shifts.shift_of(people, who, now) is not None]
    try:
        refusals = _log_views(console, hit, there)
    except Exception as error:  # each page retries by itself
        log.warning("a new hit waits: %s", type(error).__name__)
        refusals = {}
    try:
        number = console.shared.number_of_hit(str(hit.hit_id), now)
    except Exception as error:  # an alert does not wait for a number
        log.warning("a new hit has no common number: %s", type(error).__name__)
        number = console.alerts.newest + 1
    console.alerts.publish(number, hit, hits.line(console, hit), refusals)


def _log_views(console: "Console", hit: job.HitWithHistory, people: Sequence[str]) -> dict[str, str]:
    found = job.log_shown(console.door(""), hit, people, reason=hits.ON_SHIFT)
    for who, rule in found.items():
        if rule:
            log.warning("a hit is not shown to %s: %s", who, rule)
    return found


def stream(console: "Console") -> Callable[[Request], Awaitable[Response]]:
    """Stream server-sent events: each is a line of the list with its number."""

    async def answer(request: Request) -> Response:
        last = request.headers.get("last-event-id", "") or request.query_params.get("after", "")
        number = int(last) if last.isdecimal() and len(last) < 18 else console.alerts.newest
        who = await run_in_threadpool(_listener, console, request)
        if not who:
            return Response(status_code=401)
        if not console.alerts.following:
            return Response(status_code=503)
        return StreamingResponse(_events(console, request, who, number), media_type="text/event-stream")

    return answer


async def _events(console: "Console", request: Request, who: str, number: int) -> AsyncIterator[str]:
    gaps = console.alerts.gaps
    with console.alerts.page(who):
        yield HERE
        waiting, order = console.alerts.since(number, again="again" in request.query_params)
        while await run_in_threadpool(_listener, console, request) == who:
            for alert in waiting:
                if who not in alert.refusals:  # the page was away, or not open yet, when the hit arrived
                    alert.refusals.update(await run_in_threadpool(_log_views, console, alert.hit, [who]))
                if not alert.refusals[who]:
                    message = json.dumps(_message(console, alert, who))
                    yield f"id: {alert.number}\nevent: hit\ndata: {message}\n\n"
            await console.alerts.wait(order, gaps)
            if console.alerts.gaps != gaps:
                yield "event: gap\ndata: gap\n\n"
                return
            waiting, order = console.alerts.later(order)
            yield HERE
        yield "event: ended\ndata: ended\n\n"


def _message(console: "Console", alert: LiveHit, who: str) -> dict[str, object]:
    """Return what a page gets: the line, and the words of a notification, which may be on a locked screen.
    They have the plate only where the rules of notification show plates. `wait` is the time in seconds after
    which an unseen hit sounds.
    """
    row, rules = alert.hit.row, console.notify_rules
    priority = rules.priority(row["category"])
    crew = _crew(console, alert)
    car = "Your car. " if who in crew else f"Car of {', '.join(sorted(crew.values()))}. " if crew else ""
    plate = "" if rules.shows == "link" else f"{row['plate']} {row['state']}".strip() + ", "
    return {
        "number": alert.number,
        "hit": str(alert.hit.hit_id),
        "priority": priority,
        "title": f"{car}Priority {priority}: {row['category'].replace('_', ' ')}",
        "text": escape_invisible(f"{plate}{row['camera_id']}"),
        "at": int(row["captured_at"].timestamp() * 1000),
        "quiet": alert.hit.withheld,
        "wait": FIRST_S if priority != TOP and who not in crew and _hears(console, alert, crew) else 0,
        "line": alert.line,
    }


def _crew(console: "Console", alert: LiveHit) -> dict[str, str]:
    """Return names by id of the people in the car of the camera."""
    row = alert.hit.row
    return {} if row["agency"] else console.people()[0].crew(row["camera_id"], console.clock())


def _hears(console: "Console", alert: LiveHit, crew: Iterable[str]) -> bool:
    """Return whether somebody of the car is shown the hit on a page with sound."""
    now, there = console.clock(), console.alerts.people
    return any(
        one in there and alert.refusals.get(one) == "" and console.devices.sounds(one, now) for one in crew
    )


def heartbeat(console: "Console") -> Callable[[Request], Awaitable[Response]]:
    """Receive the heartbeat of an open page, whose device is there."""

    async def answer(request: Request) -> Response:
        return Response(status_code=204 if await run_in_threadpool(_extend, console, request) else 401)

    return answer


def _extend(console: "Console", request: Request) -> bool:
    """Extend the session of an open page. Return whether session and shift are in progress."""
    session, shift = _on_shift(console, request)
    if session is None or shift is None:
        return False
    now = console.clock()
    session.extend(now, shift.until or now)
    sound = request.query_params.get("sound") == "on"
    console.devices.record_heartbeat(console.door(""), session.who, now, sound=sound)
    return True


def _listener(console: "Console", request: Request) -> str:
    """Return the person of an open page; empty if session or shift has ended. A connection alone keeps no
    session alive.
    """
    session, shift = _on_shift(console, request)
    return session.who if session is not None and shift is not None else ""


def _on_shift(console: "Console", request: Request) -> tuple[Session | None, RegistryRecord | None]:
    session = console.session(cookies.session_token(request), used=False)
    if session is None:
        return None, None
    return session, shifts.shift_of(console.people()[0], session.who, console.clock())
