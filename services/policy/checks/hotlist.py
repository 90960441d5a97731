"""The hot list: sections C.3 to C.5, E.1.b and H."""

from collections import Counter
from datetime import timedelta

from schemas.hotlist import OWN_MUST_HAVE, OWN_SOURCE
from schemas.message import RefusedError
from services.hotlist.importing import designations
from services.policy.checks.live import Live, Told, counted, named, told

STALE = timedelta(days=1)


def designated(live: Live) -> Told:
    """Entries are of designated sources and categories only."""
    allowed, (entries, _unread) = designations(live.topics), live.hot_list
    wrong = Counter(f"{one.source}/{one.category}" for one in entries if not allowed.allow(one))
    by = [f"{count} entries of {name}, which is not designated" for name, count in wrong.most_common()]
    return told(f"{len(entries)} entries", by)


def complete(live: Live) -> Told:
    """Own entries have all that section H asks for."""
    entries, unread = live.hot_list
    own = [one for one in entries if one.source == OWN_SOURCE]
    lacking = [one.entry_id for one in own if not all(getattr(one, name).strip() for name in OWN_MUST_HAVE)]
    return told(
        counted(len(own), "own entry"),
        f"incomplete: {named(lacking)}" if lacking else "",
        f"not a valid entry: {named(unread)}" if unread else "",
    )


def expiring(live: Live) -> Told:
    """Every entry expires, in the time of its category, and leaves the list when it has."""
    allowed, (entries, _unread) = designations(live.topics), live.hot_list
    past = [one.entry_id for one in entries if one.expires_at < live.now - STALE]
    far = []
    for one in entries:
        try:
            longest = allowed.longest(one.category)
        except RefusedError:
            continue  # `designated` says so
        if one.expires_at > live.now + longest + STALE:
            far.append(one.entry_id)
    return told(
        f"{len(entries)} entries, each with an end",
        f"expired and still listed: {named(past)}" if past else "",
        f"expire later than their category allows: {named(far)}" if far else "",
    )
