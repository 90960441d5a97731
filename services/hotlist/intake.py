"""A file of another agency made the list of its source: judged, put on record, sent, looked back for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, BinaryIO

from schemas.hotlist import HotListChange, HotListEntry
from schemas.message import RefusedError
from schemas.topics import HOTLIST
from services.door import Door
from services.effects import Bulk, effect_of
from services.hotlist.files.lines import Parser, TextLines
from services.hotlist.importing import Import, changes, imported, listed, plan_import, send
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
        _do(door, plan, about, force, change, now, act="hotlist_force", sent=sent)
    else:
        _do(door, plan, about, f"import of {name}", change, now, sent=sent)
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
    _do(door, plan, about, f"import of {name}", plan.summary, now)
    return plan


def _plan(door: Door, file: BinaryIO, source: str, parser: Parser, now: datetime) -> tuple[Import, str]:
    """What the file changes, and its SHA-256."""
    text = TextLines(file)
    plan = plan_import(door.streams, source, parser(text), now, agency_zone(door.settings))
    return plan, text.sha256


def _do(
    door: Door,
    plan: Import,
    about: str,
    reason: str,
    change: str,
    now: datetime,
    *,
    act: str = "hotlist_import",
    sent: Callable[[int], None] = lambda _count: None,
) -> None:
    """Log the import, and each change where they are few; then send what was logged."""
    source = imported(door.streams, plan.source, now)
    bulk = Bulk.of(chain(changes(plan), [source]))
    permit = door.enter(act, about, change=change, effect=bulk.effect, reason=reason)
    for made, said in _each_change(plan, listed(door.streams) if _few(plan) else {}):
        door.enter(act, made.entry_id, change=said, effect=effect_of(HOTLIST, made), reason=reason)
    send(permit, door.streams, plan, bulk, source, sent)


def _few(plan: Import) -> bool:
    return 0 < len(plan.changed) + len(plan.removed) <= EACH


def _each_change(plan: Import, before: Mapping[str, HotListEntry]) -> Iterator[tuple[HotListChange, str]]:
    if _few(plan):
        for entry in plan.entries:
            made = HotListChange(entry.entry_id, entry)
            yield made, difference(before.get(entry.entry_id), entry)
        for name in plan.removed:
            yield HotListChange(name, None), difference(before.get(name), None)
