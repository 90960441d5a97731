"""Comparison of the hot list's topic with the inquiry log: additions and removals of entries (E.1.b, E.1.c).

The log has an act for each entry that a person lists, for each of another agency's that is listed or removed,
and for each change of a small import; a large import is one act. An act holds the SHA-256 of the entry as it
was written, or the head of a tree over all entries that an import wrote, of which each entry carries its
proof. An entry is therefore authorized when the newest act about it holds its content; and no list may have
more entries by imports than its last import left. An entry of an earlier release is compared by the time
since which it is listed.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from platestream.policy.checks.acts import IMPORT_READS, ActIndex, LoggedAct, Versions, logged_acts
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, first_few, gap_unless
from platestream.policy.checks.hotlist import none_listed
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.pluralize import pluralize

ABOUT = 64  # characters of `about` that the log stores
BY_HAND = "lines by hand"  # in the act of an import that logs each line
FEW, SHARE = 20, 0.2  # an import that removes more, and a larger share, must be forced
LATE = timedelta(hours=1)  # time in which a hit's detection is stored, too
RECENT = timedelta(days=1)  # shortest time that a removal remains on the topic
# Acts on other agencies' entries: accepted by a person or a rule, listed and removed by their agency.
OFFERED = ("hotlist_take", "partner_told", "restore")
ENTERED = ("hotlist_add", "bolo", "hotlist_take", "partner_told")
FORCED = "hotlist_force"
IMPORTED = ("hotlist_import", FORCED)
REMOVED = ("hotlist_remove", "bolo", *OFFERED)
FORMER = ("hotlist",)  # the name of all of these before the table of acts

_HITS = """
SELECT DISTINCT entry_id, source FROM platestream.alert_hits WHERE captured_at > {since:DateTime64(3, 'UTC')}
"""
# Both are deleted when they are due, in one run; a day is the grain of the deletion.
_UNSTORED = """
WITH own AS (
    SELECT entry_id, camera_id, captured_at, detection_id FROM platestream.alert_hits
    WHERE agency = '' AND captured_at > {since:DateTime64(3, 'UTC')}
      AND greatest(captured_at, ingested_at) < {until:DateTime64(3, 'UTC')})
SELECT DISTINCT entry_id FROM own
WHERE detection_id NOT IN (
    SELECT detection_id FROM platestream.detections
    WHERE (camera_id, captured_at) IN (SELECT camera_id, captured_at FROM own))
ORDER BY entry_id
"""
_COUNT = re.compile(r"(\d+) (new or changed|added|changed|removed|unchanged|refused|doubled)\b")
_MAY_REMOVE = re.compile(r"\bfeed of .{1,80}, may remove (\d{1,3})%")
_EXPIRES = re.compile(r"\bexpires_at: (\d{4}-\d\d-\d\d)")


@dataclass(frozen=True)
class ImportCounts:
    """The counts in an import's act for the list of `source`.

    `forced`: it was accepted though it removed more than an import may.
    """

    source: str
    act: LoggedAct
    changed: int
    removed: int
    unchanged: int
    refused: int
    forced: bool

    @classmethod
    def read(cls, act: LoggedAct) -> "ImportCounts | None":
        """Return the counts in an act about a whole list (`ncic`, `ncic: import`); None of one about an
        entry.
        """
        source, colon, rest = act.about.partition(":")
        if colon and rest.strip() != "import":
            return None
        counts: Counter[str] = Counter()
        for number, word in _COUNT.findall(act.said):
            counts[word] += int(number)
        changed = counts["new or changed"] + counts["added"] + counts["changed"]
        rest_of = (counts["removed"], counts["unchanged"], counts["refused"], act.kind == FORCED)
        return cls(source.strip(), act, changed, *rest_of)

    @property
    def counted(self) -> bool:
        """Return whether the act has counts."""
        return _COUNT.search(self.act.said) is not None

    @property
    def left_at_most(self) -> int:
        """The maximum number of entries after it; for a refused line the earlier entry may have remained."""
        return self.changed + self.unchanged + self.refused

    @property
    def is_drastic(self) -> bool:
        """Return whether it emptied the list, or removed more than is allowed, and was not forced."""
        gone, left = self.removed, self.left_at_most
        found = _MAY_REMOVE.search(self.act.said)
        share = int(found[1]) / 100 if found else SHARE
        much = gone > FEW and gone > share * (gone + left)
        return not self.forced and gone > 0 and ((left == 0 and share < 1) or much)


def imports(live: CheckData) -> list[ImportCounts]:
    """Return logged imports of whole lists, in order."""
    read = (ImportCounts.read(act) for act in logged_acts(live, IMPORTED + FORMER))
    return [one for one in read if one is not None]


def entries_logged(live: CheckData) -> Answer:
    """Check that entries were put on the hot list by logged acts, and hits are of these and of stored
    reads.
    """
    entries, _unread = live.hot_list
    about: dict[str, list[LoggedAct]] = defaultdict(list)
    every = logged_acts(live, {*ENTERED, *IMPORTED, *REMOVED, *FORMER})
    for act in every:
        about[act.about].append(act)
    by, disguised = _by(live, ActIndex(((act.about, act) for act in every), every))
    whole: dict[str, list[ImportCounts]] = defaultdict(list)
    for one in imports(live):
        whole[one.source].append(one)
    by_import: Counter[str] = Counter()
    unrecorded, alone = [], 0
    for entry in entries:
        wrote = by.get(entry.entry_id)
        if wrote is False:
            unrecorded.append(entry.entry_id)
        elif wrote is not None and wrote.about == entry.entry_id[:ABOUT]:
            alone += 1
        elif wrote is not None:
            by_import[entry.source] += 1
        elif _near(live, entry, about[entry.entry_id[:ABOUT]], timedelta(minutes=5)):
            alone += 1
        elif _near(live, entry, (one.act for one in whole[entry.source]), IMPORT_READS):
            by_import[entry.source] += 1
        else:
            unrecorded.append(entry.entry_id)
    more, uncounted = [], []
    for source, count in sorted(by_import.items()):
        last = whole[source][-1]
        if not last.counted:
            uncounted.append(source)
        elif count > last.left_at_most:
            beyond = pluralize(count - last.left_at_most, "entry")
            more.append(f"{source} has {beyond} more than its last import left")
    return Answer.of(
        f"{pluralize(len(entries), 'entry')}: {alone} by acts of their own, {by_import.total()} by imports",
        fault_of("on the list without an act on record", unrecorded),
        fault_of("changed or removed for a time without an act on record", sorted(disguised)),
        fault_of("hits on entries that no act listed", sorted(_unlisted(live, set(about), whole))),
        fault_of("hits of reads that are not stored, on", _unstored(live)),
        more,
        [
            Unchecked(
                f"the last import of {one} says no counts", "platestream hotlist import with this release"
            )
            for one in uncounted
        ],
        none_listed(live),
    )


def _unlisted(
    live: CheckData, about: Collection[str], whole: Mapping[str, Sequence[ImportCounts]]
) -> Iterator[str]:
    """Yield entries with hits and without an act. Entries of a feed, and of a file that an earlier release
    imported, have none of their own.
    """
    for entry_id, source in live.rows(_HITS, since=live.now - live.period):
        by_files = any(BY_HAND not in one.act.said for one in whole.get(source, ()))
        if entry_id[:ABOUT] not in about and not by_files:
            yield entry_id


def _unstored(live: CheckData) -> list[str]:
    """Return entries with hits of our own cameras whose detection is not stored."""
    between = {"since": live.now - live.period + RECENT, "until": live.now - LATE}
    return [entry_id for (entry_id,) in live.rows(_UNSTORED, **between)]


def list_not_emptied(live: CheckData) -> Answer:
    """Check that no hot list was emptied, or lost many entries, without a logged act. Such an act is a
    removal, or an import that was forced.
    """
    known = imports(live)
    drastic = [
        f"an import of {one.source} on {one.act.at:%Y-%m-%d} took {one.removed} of its entries unforced"
        for one in known
        if one.is_drastic
    ]
    taken = sorted(_removed_without_act(live, known))
    gone = sorted(_vanished(live, known))
    entered = logged_acts(live, (*ENTERED, *FORMER))
    forced = [f"{one.source} on {one.act.at:%Y-%m-%d}, {one.removed} gone" for one in known if one.forced]
    shown = f", {len(forced)} forced ({first_few(reversed(forced))})" if forced else ""
    return Answer.of(
        f"{pluralize(len(known), 'import')} on record{shown}, {len(live.hot_list[0])} entries now",
        drastic,
        fault_of("taken off the list without an act on record", taken),
        fault_of("put on the list by an act, not expired, and gone", gone),
        list(_shrunk(live, known)),
        gap_unless(
            known or entered,
            "no entry and no import is on record",
            "platestream hotlist import or platestream hotlist add",
        ),
    )


def _near(live: CheckData, entry: HotListEntry, recorded: Iterable[LoggedAct], before: timedelta) -> bool:
    since, until = entry.listed_at, live.upgraded
    return since is not None and any(act.is_near(since, before) for act in recorded if act.at < until)


def _by(live: CheckData, written: ActIndex) -> tuple[dict[str, LoggedAct | Literal[False]], set[str]]:
    """Return the act that wrote each entry, False where acts are about an entry but none wrote its content;
    and the entries that were something else for a time.
    """
    found: dict[str, LoggedAct | Literal[False]] = {}
    versions = Versions()
    for message in live.messages(topics.HOTLIST):
        key = (message.key or b"").decode(errors="replace")
        by = written.by(key[:ABOUT], message)
        if by is None:
            found.pop(key, None)
        else:
            found[key] = by if by is False or by.source_is(key) else False
        versions.add(key, by_act=bool(by) or written.wrote(key[:ABOUT], message))
    return found, _disguised(live, written, versions.disguised)


def _disguised(live: CheckData, written: ActIndex, keys: Collection[str]) -> set[str]:
    """Return those of `keys` whose removal without an act was not that of an expired entry by the match
    flow.
    """
    versions, ends = Versions(), dict[str, datetime]()
    for message in live.messages(topics.HOTLIST) if keys else ():
        key = (message.key or b"").decode(errors="replace")
        if key not in keys:
            continue
        expired = message.value is None and ends.get(key, live.now) < live.now
        versions.add(key, by_act=expired or written.wrote(key[:ABOUT], message))
        with suppress(RefusedError):
            if (entry := topics.HOTLIST.decode(message).entry) is not None:
                ends[key] = entry.expires_at
    return versions.disguised


def _removed_without_act(live: CheckData, known: list[ImportCounts]) -> Iterator[str]:
    """Yield entries whose removal is still on the topic, before their end and without an act about it."""
    last: dict[str, HotListEntry] = {}
    removed: dict[str, HotListEntry] = {}
    for message in live.messages(topics.HOTLIST):
        try:
            change = topics.HOTLIST.decode(message)
        except RefusedError:
            continue
        if change.entry is not None:
            last[change.entry_id] = change.entry
            removed.pop(change.entry_id, None)
        elif change.entry_id in last:
            removed[change.entry_id] = last[change.entry_id]
    recorded = {act.about for act in logged_acts(live, REMOVED + IMPORTED + FORMER)}
    for name, entry in removed.items():
        since = entry.listed_at or live.now
        by_import = any(one.source == entry.source and one.act.at >= since for one in known)
        if entry.expires_at > live.now and name[:ABOUT] not in recorded and not by_import:
            yield name


def _vanished(live: CheckData, known: list[ImportCounts]) -> Iterator[str]:
    """Yield entries that were listed by an act until a future day, were not removed by one, and are
    missing.
    """
    there = {entry.entry_id[:ABOUT] for entry in live.hot_list[0]}
    there |= {key[:ABOUT] for key in live.hot_list[1]}
    until: dict[str, tuple[date, datetime]] = {}
    for act in logged_acts(live, (*ENTERED, *IMPORTED, *REMOVED, *FORMER)):
        if "removed" in act.said or act.kind in ("hotlist_remove", "partner_told", "restore"):
            until.pop(act.about, None)
        elif found := _EXPIRES.search(act.said):
            until[act.about] = date.fromisoformat(found[1]), act.at
    for name, (last, at) in until.items():
        source = name.partition(":")[0]
        by_import = any(one.source == source and one.removed and one.act.at > at for one in known)
        if name not in there and last > live.now.date() and not by_import:
            yield name


def _shrunk(live: CheckData, known: list[ImportCounts]) -> Iterator[str | Unchecked]:
    """Yield lists that have far fewer entries than their last import left."""
    now = Counter(entry.source for entry in live.hot_list[0])
    for source, last in {one.source: one for one in known if one.counted}.items():
        left = last.changed + last.unchanged
        removals = logged_acts(live, REMOVED + FORMER, last.act.at)
        gone = left - now[source] - sum(act.about.startswith(f"{source}:") for act in removals)
        if gone <= SHARE * left:
            continue
        text = f"{gone} of {left} entries of {source} are gone since its import of {last.act.at:%Y-%m-%d}"
        if live.now - last.act.at < RECENT:
            yield f"{text}, with no removal on record"
        else:
            why = "those that expired cannot be distinguished from those taken away"
            yield Unchecked(f"{text}: {why}", f"platestream hotlist import of {source} again")
