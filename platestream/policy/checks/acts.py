"""Logged acts, and the comparison of stored records with them.

An act holds the SHA-256 of the record that it wrote, and the newest record of a key must be that of the
newest act about it. A record that no act wrote, or that was written again later, is found by its content.
Acts of earlier releases hold no hash; their records are compared by the time in the record itself, which is
within minutes of the act.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from platestream.access.effects import Proof
from platestream.policy.checks.context import CheckData
from platestream.schemas.message import Message
from platestream.schemas.tables import EPOCH

NEAR = timedelta(minutes=5)
# The import of a large file reads for a long time between its begin and the act, and then sends.
IMPORT_READS = timedelta(minutes=30)

_ACTS = """
SELECT kind, at, who, about, concat(change, ' ', reason), effect, inquiry_id FROM platestream.inquiry_log
WHERE outcome = 'allowed' AND kind IN {kinds:Array(String)} AND at > {since:DateTime64(6, 'UTC')} ORDER BY at
"""


@dataclass(frozen=True)
class LoggedAct:
    """An allowed act: `about` is its subject, `said` the state before and after, `effect` the SHA-256 of the
    record that it wrote, empty in an act of an earlier release.
    """

    kind: str
    at: datetime
    who: str
    about: str
    said: str
    effect: str = ""
    inquiry_id: UUID | None = None

    def source_is(self, entry_id: str) -> bool:
        """Return whether the act is about this entry, or about a list that has it."""
        return self.about.partition(":")[0] == entry_id[:64].partition(":")[0]

    def is_near(self, at: datetime, before: timedelta = NEAR) -> bool:
        """Return whether a record stamped `at` may be of this act: up to `before` earlier, or soon after."""
        return -before <= at - self.at <= NEAR


class ActIndex:
    """Acts by the records that they wrote, to find the act of a message."""

    def __init__(self, about: Iterable[tuple[str, LoggedAct]], bulk: Iterable[LoggedAct] = ()) -> None:
        """Index acts. `about` are acts by the key of the record that each wrote, in order; each act of `bulk`
        wrote many records.
        """
        effects = [(key, act) for key, act in about if act.effect]
        self._newest = dict(effects)
        self._effects = {(key, act.effect) for key, act in effects}
        self._bulk = {act.inquiry_id: act for act in bulk if act.effect}

    def newest(self, key: str) -> LoggedAct | None:
        """Return the newest act that holds a record of this key."""
        return self._newest.get(key)

    def by(self, key: str, message: Message) -> LoggedAct | Literal[False] | None:
        """Return the act that wrote a message. False: acts about this key hold another record; None: no act
        of this release is about it.
        """
        last, bulk = self.newest(key), self.proved(message)
        if bulk is not None and (last is None or bulk.at > last.at):
            return bulk
        if last is not None:
            return last if last.effect == message.effect else False
        return None

    def wrote(self, key: str, message: Message) -> bool:
        """Return whether some act wrote a message, the newest one or one before."""
        return (key, message.effect) in self._effects or self.proved(message) is not None

    def proved(self, message: Message) -> LoggedAct | None:
        """Return the act of many records that wrote a message, by the proof that the message carries."""
        proof = Proof.read(message)
        act = None if proof is None else self._bulk.get(proof.inquiry_id)
        return act if act is not None and proof is not None and proof.holds(message, act.effect) else None


class Versions:
    """Versions of records in the order of their topic: those that no act wrote, between two that acts wrote.

    Someone changed or removed such a record and put it back. A topic has the former versions of a record for
    a day at least.
    """

    def __init__(self) -> None:
        self._written, self._strange = set[str](), set[str]()
        self.disguised: set[str] = set()

    def add(self, key: str, *, by_act: bool) -> None:
        """Add the next version of a record, or its removal."""
        if not by_act:
            self._strange |= {key} & self._written
            return
        self._written.add(key)
        if key in self._strange:
            self.disguised.add(key)


def logged_acts(live: CheckData, kinds: Iterable[str], since: datetime | None = None) -> list[LoggedAct]:
    """Return allowed acts of these kinds in order, from `since` on or from the beginning of the log."""
    asked: dict[str, Any] = {"kinds": list(kinds), "since": since or EPOCH}
    return [LoggedAct(*row) for row in live.rows(_ACTS, **asked)]
