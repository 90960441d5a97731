"""What is on the hot list: sections C.3 to C.5, E.1.b, F.5 and H."""

from collections import Counter
from datetime import timedelta

import msgspec

from operators.inquiry_checks.reasons import entry_lacks
from schemas.counted import counted
from schemas.designation import Designations
from schemas.hotlist import OWN_SOURCE, HotListEntry
from schemas.message import RefusedError
from services.policy.checks.acts import acts
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless
from services.rules import gate_rules

STALE = timedelta(days=1)
BY_HAND = ("hotlist_add", "bolo", "hotlist")  # the last is what it was called before the table of acts


def designated(live: Live) -> Answer:
    """Entries are of designated sources and categories only."""
    allowed, (entries, _unread) = Designations(live.registry[0].values()), live.hot_list
    wrong = Counter(f"{one.source}/{one.category}" for one in entries if not allowed.allow(one))
    by = [
        f"{counted(count, 'entry')} of {name}, which is not designated" for name, count in wrong.most_common()
    ]
    bare = [
        f"the list of {one.id} was imported without a registered feed: platestream registry source {one.id} "
        "--place … or --key …"
        for one in live.registered("hotlist_source")
        if one.active and one.refreshed_at and one.id != OWN_SOURCE and not one.has_feed
    ]
    return answer(counted(len(entries), "entry"), by, bare, _empty(live))


def complete(live: Live) -> Answer:
    """Entries of the agency or a person say all that section H asks for, whatever list they are on."""
    entries, unread = live.hot_list
    entered = {act.about for act in acts(live, BY_HAND)}
    own = [one for one in entries if one.source == OWN_SOURCE or one.entry_id[:64] in entered]
    rules = gate_rules.in_force(live.client)
    lacking = [
        f"{one.entry_id} ({', '.join(missing)})"
        for one in own
        if (missing := sorted(entry_lacks(msgspec.structs.asdict(one), rules)))
    ]
    return answer(
        f"{len(own)} of {counted(len(entries), 'entry')} own or entered by hand",
        f"incomplete: {named(lacking)}" if lacking else "",
        f"not a valid entry: {named(unread)}" if unread else "",
        unless(
            own or unread,
            "no entry is the agency's own or was entered by hand",
            "once an entry is made by hand (platestream hotlist add)",
        ),
    )


def expiring(live: Live) -> Answer:
    """Every entry expires, in the time of its category, and leaves the list when it has."""
    allowed, (entries, _unread) = Designations(live.registry[0].values()), live.hot_list
    past = [one.entry_id for one in entries if one.expires_at < live.now - STALE]
    far = [one.entry_id for one in entries if _too_far(one, allowed, live)]
    return answer(
        f"{counted(len(entries), 'entry')}, each with an end",
        f"expired and still listed: {named(past)}" if past else "",
        f"expire later than their category allows: {named(far)}" if far else "",
        _empty(live),
    )


def patterns(live: Live) -> Answer:
    """Partial plates and descriptions are entered (F.5 says they should be, so it is never not held)."""
    entries, _unread = live.hot_list
    partial = [one for one in entries if one.is_pattern]
    described = [one for one in partial if not one.known]
    partials = counted(len(partial) - len(described), "partial plate")
    return answer(
        f"{partials}, {counted(len(described), 'description')}",
        unless(
            partial,
            "the hot list has no partial plate and no description",
            "once a major crime has one (platestream hotlist add --plate 'AB*12')",
        ),
    )


def _too_far(entry: HotListEntry, allowed: Designations, live: Live) -> bool:
    try:
        return entry.expires_at > live.now + allowed.longest(entry.category) + STALE
    except RefusedError:
        return False  # `designated` says so


def _empty(live: Live) -> list[Gap]:
    return unless(
        live.hot_list[0],
        "the hot list is empty: there is no entry to look at",
        "platestream hotlist import or platestream hotlist add",
    )
