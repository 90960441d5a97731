"""A file of another agency made the list of its source: judged, put on record, sent, looked back for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from schemas.hotlist import HotListEntry
from schemas.message import RefusedError
from services.door import Door, Permit
from services.hotlist.files.lines import Parser, TextLines
from services.hotlist.importing import Import, listed, plan_import, send
from services.hotlist.log import EACH, difference
from services.hotlist.lookback import look_back
from services.hotlist.zone import agency_zone

Lines = Iterable[tuple[int, Mapping[str, Any] | RefusedError]]


@dataclass(frozen=True)
class Imported:
    """What an import came to; `historical_hits` is None where nothing was looked back for."""

    plan: Import
    historical_hits: int | None


def import_file(
    door: Door,
    file: BinaryIO,
    name: str,
    source: str,
    parser: Parser,
    now: datetime,
    *,
    force: str = "",
    back: bool = True,
    judged: Callable[[Import], None] = lambda _plan: None,
    sent: Callable[[int], None] = lambda _count: None,
) -> Imported:
    """Make the list of `source` what the file says. `judged` hears of the plan before it is refused or done,
    `sent` how many changes were sent. `force` says why a file is taken although it looks empty, cut off or
    damaged: an act of its own, the administrator's, and the reason must say something.

    Raises RefusedError, and then nothing is changed, and RefusedInquiry.
    """
    about = f"{source}: import"
    with door.on_record("hotlist_import", about, reason=f"import of {name}"):
        plan, sha256 = _plan(door, file, source, parser, now)
        judged(plan)
        if not force:
            plan.check()
    change = f"file {name}, SHA-256 {sha256}: {plan.summary}"
    if plan.wrong:
        change = f"{change}; though {plan.wrong}"
        permit = _enter(door, plan, about, force, change, act="hotlist_force")
    else:
        permit = _enter(door, plan, about, f"import of {name}", change)
    send(permit, door.streams, plan, now, sent)
    if not (back and plan.before and plan.widened):
        return Imported(plan, None)
    widened = [entry for entry in plan.entries if entry.entry_id in plan.widened]
    return Imported(plan, look_back(door, widened, now))


def preview(door: Door, file: BinaryIO, name: str, source: str, parser: Parser, now: datetime) -> Import:
    """What `import_file` would come to; nothing is changed. `Import.wrong` says why it would be refused.

    On record it is a look at the hot list. Raises RefusedInquiry, and RefusedError for what can be no list of
    this source, on record as a refused import.
    """
    with door.on_record("hotlist_import", f"{source}: import", reason=f"import of {name}"):
        plan, _sha256 = _plan(door, file, source, parser, now)
    door.enter("hotlist_show", f"{source}: preview", reason=f"preview of an import of {name}")
    return plan


def import_lines(door: Door, source: str, lines: Lines, now: datetime, name: str = "lines") -> Import:
    """The same of lines that are read already, without a look-back. Raises RefusedError, RefusedInquiry."""
    about = f"{source}: import"
    with door.on_record("hotlist_import", about, reason=f"import of {name}"):
        plan = plan_import(door.streams, source, lines, now, agency_zone(door.settings))
        plan.check()
    send(_enter(door, plan, about, f"import of {name}", plan.summary), door.streams, plan, now)
    return plan


def _plan(door: Door, file: BinaryIO, source: str, parser: Parser, now: datetime) -> tuple[Import, str]:
    """What the file changes, and its SHA-256."""
    text = TextLines(file)
    plan = plan_import(door.streams, source, parser(text), now, agency_zone(door.settings))
    return plan, text.sha256


def _enter(
    door: Door, plan: Import, about: str, reason: str, change: str, act: str = "hotlist_import"
) -> Permit:
    """The import on record, and each change where they are few."""
    permit = door.enter(act, about, change=change, reason=reason)
    for name, said in _each_change(plan, listed(door.streams) if _few(plan) else {}):
        door.enter(act, name, change=said, reason=reason)
    return permit


def _few(plan: Import) -> bool:
    return 0 < len(plan.changed) + len(plan.removed) <= EACH


def _each_change(plan: Import, before: Mapping[str, HotListEntry]) -> Iterator[tuple[str, str]]:
    if _few(plan):
        for entry in plan.entries:
            yield entry.entry_id, difference(before.get(entry.entry_id), entry)
        for name in plan.removed:
            yield name, difference(before.get(name), None)
