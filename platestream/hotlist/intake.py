"""Import of a file as the list of its source: its origin is proved, judged and logged, changes are sent, and
stored reads are searched.

A file of a registered feed (`platestream.hotlist.origin`) counts as the source's own. Lines that a person
brings count as that person's entries, with everything that section H of the order asks for.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, BinaryIO

import msgspec

from platestream.access.door import Door, agency_zone
from platestream.access.effects import Bulk, effect_of
from platestream.access.inquire import RefusedInquiry
from platestream.hotlist.change_log import EACH, difference, documentation
from platestream.hotlist.files.lines import Parser, TextLines
from platestream.hotlist.list_changes import (
    Import,
    changes,
    entries_of,
    imported,
    plan_import,
    refuse_partners,
    registry,
    send,
    share_removed,
)
from platestream.hotlist.lookback import SearchBack, look_back
from platestream.hotlist.manifest import Manifest
from platestream.hotlist.origin import (
    BY_A_PERSON,
    Delivery,
    check_feed,
    check_layout,
    check_unchanged,
    feed_of,
    proof_of,
)
from platestream.hotlist.rejected_lines import publish_letters
from platestream.operators.inquiry_checks.reasons import meaningless_fields
from platestream.schemas.hotlist import OWN_SOURCE, HotListChange, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.topics import HOTLIST

Lines = Iterable[tuple[int, Mapping[str, Any] | RefusedError]]
AT_ONCE = 50
"""Most lines by hand that are judged by one query."""


@dataclass(frozen=True)
class Imported:
    """The result of an import; `historical_hits` is None where nothing was searched."""

    plan: Import
    historical_hits: int | None


@dataclass(frozen=True)
class _Planned:
    """A file that was read: its planned changes, its SHA-256, its feed, and its verified manifest."""

    plan: Import
    sha256: str
    feed: RegistryRecord | None
    manifest: Manifest | None = None

    @property
    def number(self) -> int:
        """The number of the file in the origin of its dead letters: its own, or one of its content."""
        return (self.manifest.sequence if self.manifest else 0) or int(self.sha256[:8] or "0", 16) >> 1


def import_file(
    door: Door,
    file: BinaryIO,
    name: str,
    source: str,
    parser: Parser,
    now: datetime,
    *,
    brought: Delivery = BY_A_PERSON,
    force: str = "",
    back: bool = True,
    search: SearchBack | None = None,
    judged: Callable[[Import], None] = lambda _plan: None,
) -> Imported:
    """Make the list of `source` equal to the file.

    `judged` is called with the plan before it is refused or done.
    `search` makes the look-back in the place of one whose refusal is raised.
    `force` is the reason why a file is accepted although it looks empty, cut off or damaged: an act of its
    own, the administrator's, with a meaningful reason. Raises RefusedError, and then nothing is changed, and
    RefusedInquiry.
    """
    about = f"{source}: import"
    with door.log_refusal("hotlist_import", about, reason=f"import of {name}"):
        made = _plan(door, file, source, parser, now, brought)
        plan = made.plan
        judged(plan)
        if made.feed:
            publish_letters(door.streams, file, plan, made.number)
        if not force:
            plan.check()
    origin = f"feed of {source}, {proof_of(made.feed, made.manifest)}" if made.feed else "lines by hand"
    change = f"file {name}, SHA-256 {made.sha256}, {origin}: {plan.summary}"
    if plan.wrong:
        change = f"{change}; though {plan.wrong}"
        _do(door, made, about, force, change, now, act="hotlist_force")
    else:
        _do(door, made, about, f"import of {name}", change, now)
    if not (back and plan.before and plan.widened):
        return Imported(plan, None)
    widened = [entry for entry in plan.entries if entry.entry_id in plan.widened]
    by_hand = made.feed is None or door.automatic  # nobody here chose the entries of a feed
    by = door if by_hand else door.system_job("import")
    return Imported(plan, search(by, widened, now)[0] if search else look_back(by, widened, now))


def preview(
    door: Door,
    file: BinaryIO,
    name: str,
    source: str,
    parser: Parser,
    now: datetime,
    brought: Delivery = BY_A_PERSON,
) -> Import:
    """Return the plan of `import_file` without changing anything. `Import.wrong` says why it would be
    refused.

    It is logged as a view of the hot list. Raises RefusedInquiry, and RefusedError, logged as a refused
    import, for a file that cannot be a list of this source.
    """
    with door.log_refusal("hotlist_import", f"{source}: import", reason=f"import of {name}"):
        plan = _plan(door, file, source, parser, now, brought).plan
    door.enter("hotlist_show", f"{source}: preview", reason=f"preview of an import of {name}")
    return plan


def import_lines(
    door: Door,
    source: str,
    lines: Lines,
    now: datetime,
    name: str = "lines",
    brought: Delivery = BY_A_PERSON,
) -> Import:
    """Import lines that are already parsed, without a look-back. Raises RefusedError and RefusedInquiry."""
    about = f"{source}: import"
    with door.log_refusal("hotlist_import", about, reason=f"import of {name}"):
        feed = _feed(door, source, brought)
        plan = plan_import(door.streams, source, lines, now, agency_zone(door), by_hand=feed is None)
        manifest = check_feed(feed, brought, "", now, by_job=door.automatic) if feed else None
        plan.check()
    _do(door, _Planned(plan, "", feed, manifest), about, f"import of {name}", plan.summary, now)
    return plan


def _feed(door: Door, source: str, brought: Delivery) -> RegistryRecord | None:
    """Return the feed of the source. Raises RefusedError where a job reads a list without one, or another
    layout.
    """
    feed = feed_of(registry(door.streams).values(), source)
    if feed is not None:
        check_layout(feed, brought.layout)
        return feed
    refuse_partners(source)
    if door.automatic:
        command = f"platestream registry source {source} --place {brought.place} --format {brought.layout}"
        said = (
            "people enter it" if source == OWN_SOURCE else f"the ALPR administrator registers it, {command}"
        )
        raise RefusedError("source", f"no feed of `{source}` is registered, so nothing is imported: {said}")
    return None


def _plan(
    door: Door, file: BinaryIO, source: str, parser: Parser, now: datetime, brought: Delivery
) -> _Planned:
    feed, before = _feed(door, source, brought), None
    if brought.place is not None:
        before = os.fstat(file.fileno())
    text = TextLines(file)
    zone = agency_zone(door)
    plan = plan_import(
        door.streams,
        source,
        parser(text),
        now,
        zone,
        by_hand=feed is None,
        delta=feed is not None and brought.is_delta,
        removes=share_removed(feed),
    )
    if before is not None:
        check_unchanged(file, before)
    manifest = check_feed(feed, brought, text.sha256, now, by_job=door.automatic) if feed else None
    if feed is None:
        _drop_empty(door, plan)
    return _Planned(plan, text.sha256, feed, manifest)


def _do(
    door: Door,
    made: _Planned,
    about: str,
    reason: str,
    change: str,
    now: datetime,
    *,
    act: str = "hotlist_import",
) -> None:
    """Log the import, each change where there are few, and each line by hand by its own act; then send the
    changes.
    """
    plan = made.plan
    source = imported(door.streams, plan.source, now, made.manifest)
    bulk = Bulk.of(chain(changes(plan), [source]))
    permit = door.enter(act, about, change=change, effect=bulk.effect, reason=reason)
    few = 0 < len(plan.changed) + len(plan.removed) <= EACH
    before = entries_of(door.streams, plan.source) if few or made.feed is None else {}
    if made.feed is None:
        _by_hand(door, plan, before)
    for one, said in _each_change(plan, before, by_hand=made.feed is None) if few else ():
        door.enter(act, one.entry_id, change=said, effect=effect_of(HOTLIST, one), reason=reason)
    send(permit, door.streams, plan, bulk, source)


def _by_hand(door: Door, plan: Import, before: Mapping[str, HotListEntry]) -> None:
    """Log each line as the person's own entry. Raises RefusedInquiry, and then none is listed."""
    every = list(plan.entries)
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        lines = [
            (
                one.entry_id,
                difference(before.get(one.entry_id), one),
                effect_of(HOTLIST, HotListChange(one.entry_id, one)),
                documentation(one),
            )
            for one in some
        ]
        for refusal in filter(None, door.enter_entries("hotlist_add", lines)):
            raise RefusedInquiry(refusal)


def _drop_empty(door: Door, plan: Import) -> None:
    """Leave out lines by hand with meaningless words, by the rule of the gate."""
    rules = door.rules.gate
    for entry in list(plan.entries):
        if missing := sorted(meaningless_fields(msgspec.structs.asdict(entry), rules)):
            plan.drop(entry.entry_id, f"{', '.join(missing)}: nothing is said (order, section H)")


def _each_change(
    plan: Import, before: Mapping[str, HotListEntry], *, by_hand: bool
) -> Iterator[tuple[HotListChange, str]]:
    for entry in () if by_hand else plan.entries:
        yield HotListChange(entry.entry_id, entry), difference(before.get(entry.entry_id), entry)
    for name in plan.removed:
        yield HotListChange(name, None), difference(before.get(name), None)
