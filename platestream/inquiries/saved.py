"""Saved searches: each person's own, by name. They hold plates, so they expire as detections do.

A saved search has no case and no reason: each run is a new inquiry with its own documentation. The file is in
the data folder of the console and its commands, is no part of a backup, and is purged by the retention job.
"""

from datetime import datetime, timedelta
from secrets import token_hex

import msgspec

from platestream.access.door import Door
from platestream.inquiries.search import SearchRequest
from platestream.runtime.private_file import PrivateFile
from platestream.schemas.fields import Instant
from platestream.schemas.message import RefusedError
from platestream.settings import Settings

FILE = "searches.json"
LONGEST_NAME = 64
MOST = 50
"""Most saved searches of one person."""


class SavedSearch(msgspec.Struct, frozen=True, kw_only=True):
    """A search that `who` saved under a name."""

    id: str
    who: str
    name: str
    saved_at: Instant
    request: SearchRequest


def save(door: Door, name: str, request: SearchRequest) -> SavedSearch:
    """Save a search under a name of one's own, in place of the one that had it.

    Raises ValueError without a usable name, RefusedError where there are too many, and RefusedInquiry.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise ValueError(f"give the search a name of at most {LONGEST_NAME} characters")
    now = door.now()
    made = SavedSearch(id=token_hex(8), who=door.who, name=name, saved_at=now, request=request)
    with _file(door.settings).writing() as stored:
        _drop_expired(stored, now - _period(door))
        own = [one for one in stored.values() if one.who == door.who]
        same = [one for one in own if one.name == name]
        if len(own) - len(same) >= MOST:
            raise RefusedError("name", f"you have {MOST} saved searches: delete one first")
        door.enter("search_save", made.id, change="saved")
        for one in same:
            del stored[one.id]
        stored[made.id] = made
    return made


def saved_searches(door: Door) -> list[SavedSearch]:
    """Return one's own saved searches, by name, and delete all that have expired. Raises RefusedInquiry."""
    door.enter("search_saved_show", "own")
    cutoff = door.now() - _period(door)
    purge(door.settings, cutoff)
    found = _file(door.settings).read().values()
    return sorted((one for one in found if one.who == door.who), key=lambda one: one.name.casefold())


def saved_search(door: Door, named: str) -> SavedSearch:
    """Return one of one's own saved searches, by its name or id. Raises RefusedError and RefusedInquiry."""
    found = [one for one in saved_searches(door) if named in (one.name, one.id)]
    if not found:
        raise RefusedError("name", "you have no saved search of this name, or it has expired")
    return found[0]


def delete(door: Door, named: str) -> None:
    """Delete one of one's own saved searches. Raises RefusedError and RefusedInquiry."""
    one = saved_search(door, named)
    door.enter("search_save", one.id, change="deleted")
    with _file(door.settings).writing() as stored:
        stored.pop(one.id, None)


def purge(settings: Settings, cutoff: datetime) -> int:
    """Delete all that were saved before `cutoff`; return their number."""
    file = _file(settings)
    if not any(one.saved_at < cutoff for one in file.read().values()):
        return 0
    with file.writing() as stored:
        return _drop_expired(stored, cutoff)


def _drop_expired(stored: dict[str, SavedSearch], cutoff: datetime) -> int:
    gone = [name for name, one in stored.items() if one.saved_at < cutoff]
    for name in gone:
        del stored[name]
    return len(gone)


def _period(door: Door) -> timedelta:
    return door.rules.profile.retention.span


def _file(settings: Settings) -> PrivateFile[SavedSearch]:
    return PrivateFile(settings.data / FILE, SavedSearch, "saved searches")
