"""Checks of the hot list's content: sections C.3 to C.5, E.1.b, F.5 and H."""

from collections import Counter
from datetime import timedelta

import msgspec

from platestream.access import gate_rules
from platestream.operators.inquiry_checks.reasons import meaningless_fields
from platestream.policy.checks.acts import logged_acts
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, gap_unless
from platestream.schemas.designation import Designations
from platestream.schemas.hotlist import OWN_SOURCE, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.pluralize import pluralize

STALE = timedelta(days=1)
BY_HAND = ("hotlist_add", "bolo", "hotlist")  # the last is the name before the table of acts


def designated(live: CheckData) -> Answer:
    """Check that entries are of designated sources and categories."""
    allowed, (entries, _unread) = Designations(live.registry[0].values()), live.hot_list
    wrong = Counter(
        f"{one.source}/{one.category}" for one in entries if not allowed.allow(one.source, one.category)
    )
    by = [
        f"{pluralize(count, 'entry')} of {name}, which is not designated"
        for name, count in wrong.most_common()
    ]
    bare = [
        f"the list of {one.id} was imported without a registered feed: platestream registry source {one.id} "
        "--place … or --key …"
        for one in live.registered("hotlist_source")
        if one.active and one.refreshed_at and one.id != OWN_SOURCE and not one.has_feed
    ]
    return Answer.of(pluralize(len(entries), "entry"), by, bare, none_listed(live))


def complete(live: CheckData) -> Answer:
    """Check that entries made by a person have all that section H asks for. So have the agency's own,
    whatever their list.
    """
    entries, unread = live.hot_list
    entered = {act.about for act in logged_acts(live, BY_HAND)}
    own = [one for one in entries if one.source == OWN_SOURCE or one.entry_id[:64] in entered]
    rules = gate_rules.in_force(live.client)
    lacking = [
        f"{one.entry_id} ({', '.join(missing)})"
        for one in own
        if (missing := sorted(meaningless_fields(msgspec.structs.asdict(one), rules)))
    ]
    return Answer.of(
        f"{len(own)} of {pluralize(len(entries), 'entry')} own or entered by hand",
        fault_of("incomplete", lacking),
        fault_of("not a valid entry", unread),
        gap_unless(
            own or unread,
            "no entry is the agency's own or was entered by hand",
            "once an entry is made by hand (platestream hotlist add)",
        ),
    )


def expiring(live: CheckData) -> Answer:
    """Check that entries expire in time and leave the list. The time is that of an entry's category."""
    allowed, (entries, _unread) = Designations(live.registry[0].values()), live.hot_list
    past = [one.entry_id for one in entries if one.expires_at < live.now - STALE]
    far = [one.entry_id for one in entries if _too_far(one, allowed, live)]
    return Answer.of(
        f"{pluralize(len(entries), 'entry')}, each with an end",
        fault_of("expired and still listed", past),
        fault_of("expire later than their category allows", far),
        none_listed(live),
    )


def patterns(live: CheckData) -> Answer:
    """Check that partial plates and descriptions are on the hot list. Their number is a figure that cannot
    fail, because F.5 only recommends them.
    """
    entries, _unread = live.hot_list
    partial = [one for one in entries if one.is_pattern]
    described = [one for one in partial if not one.known]
    partials = pluralize(len(partial) - len(described), "partial plate")
    return Answer.of(
        f"{partials}, {pluralize(len(described), 'description')}",
        gap_unless(
            partial,
            "the hot list has no partial plate and no description",
            "once a major crime has one (platestream hotlist add --plate 'AB*12')",
        ),
    )


def _too_far(entry: HotListEntry, allowed: Designations, live: CheckData) -> bool:
    try:
        return entry.expires_at > live.now + allowed.longest(entry.category) + STALE
    except RefusedError:
        return False  # the check `designated` reports it


def none_listed(live: CheckData) -> list[Unchecked]:
    """Return the gap of an empty hot list."""
    return gap_unless(
        live.hot_list[0],
        "the hot list is empty: there is no entry to look at",
        "platestream hotlist import or platestream hotlist add",
    )
