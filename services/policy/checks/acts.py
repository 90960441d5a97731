"""Acts on record, and whether something that is there has one: what is done passes the door first.

An act holds the SHA-256 of the record that it wrote, and the newest record of a key is that of the newest act
about it: what was written by no act, or was written once and is written again, is found by its content. Acts
of releases before that hold no hash; what they made is stamped within minutes of them, and is compared by
that time, which the record tells itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from schemas.message import Message
from schemas.tables import EPOCH
from services.effects import Proof
from services.policy.checks.live import Live

NEAR = timedelta(minutes=5)
# The import of a large file reads for long between its beginning and the act; then it sends.
IMPORT_READS = timedelta(minutes=30)

_ACTS = """
SELECT kind, at, who, about, concat(change, ' ', reason), effect, inquiry_id FROM platestream.inquiry_log
WHERE outcome = 'allowed' AND kind IN {kinds:Array(String)} AND at > {since:DateTime64(6, 'UTC')} ORDER BY at
"""


@dataclass(frozen=True)
class OnRecord:
    """An act that was allowed: `about` what it was, `said` what before and after, `effect` the SHA-256 of the
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
        """Whether it is about this entry, or about a list that has it."""
        return self.about.partition(":")[0] == entry_id[:64].partition(":")[0]

    def is_near(self, at: datetime, before: timedelta = NEAR) -> bool:
        """What is stamped `at` may have come of it: up to `before` earlier, or soon after."""
        return -before <= at - self.at <= NEAR


class Written:
    """Acts by what they wrote: whether a message is that of the newest act about its key."""

    def __init__(self, about: Iterable[tuple[str, OnRecord]], bulk: Iterable[OnRecord] = ()) -> None:
        """`about` are acts by the key of the record that each wrote, in order; `bulk` wrote many records."""
        self._newest = {key: act for key, act in about if act.effect}
        self._bulk = {act.inquiry_id: act for act in bulk if act.effect}

    def newest(self, key: str) -> OnRecord | None:
        """The newest act that holds a record of this key."""
        return self._newest.get(key)

    def by(self, key: str, message: Message) -> OnRecord | Literal[False] | None:
        """The act that wrote a message. False: acts hold what this key says, and it is not this message;
        None: no act of this release is about it.
        """
        last, bulk = self.newest(key), self.proved(message)
        if bulk is not None and (last is None or bulk.at > last.at):
            return bulk
        if last is not None:
            return last if last.effect == message.effect else False
        return None

    def proved(self, message: Message) -> OnRecord | None:
        """The act of many records that wrote a message, by the proof that it carries."""
        proof = Proof.read(message)
        act = None if proof is None else self._bulk.get(proof.inquiry_id)
        return act if act is not None and proof is not None and proof.holds(message, act.effect) else None


def acts(live: Live, kinds: Iterable[str], since: datetime | None = None) -> list[OnRecord]:
    """Allowed acts of these kinds in order, from `since` on or as far as the log goes."""
    asked: dict[str, Any] = {"kinds": list(kinds), "since": since or EPOCH}
    return [OnRecord(*row) for row in live.rows(_ACTS, **asked)]
