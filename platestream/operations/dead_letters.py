"""Dead letters (refused messages): listing, inspecting, and sending again to their topic.

They are read from their topic, whatever edge it is on. A resend is a record of the same topic, written before
the message is sent, so that no message is sent twice unknowingly.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from platestream.access.door import Door
from platestream.access.effects import publish_encoded
from platestream.evidence.transfer_job import PREFIX as TRANSFER
from platestream.hotlist.rejected_lines import PREFIX as REJECTED_LINE
from platestream.schemas import topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.frame import FRAME_ID
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.topics import Topic

SENT_AGAIN = "sent_again"  # the reason of the record of a resend
AGAIN: dict[str, Topic[Any]] = {
    one.name: one
    for one in (
        topics.FRAMES,
        topics.FRAMES_QUARANTINE,
        topics.DETECTIONS,
        topics.ALERT_HITS,
        topics.HIT_ACTIONS,
    )
}
# An old record of these topics, sent again, would replace a newer one.
CHANGELOGS = (topics.HOTLIST.name, topics.REGISTRY.name, topics.INQUIRIES.name, topics.DELIVERIES.name)


@dataclass(frozen=True)
class DeadLetterInfo:
    """A dead letter without its payload; `size` is that of the payload in bytes, None where none was
    stored.
    """

    origin: str
    topic: str
    reason: str
    detail: str
    headers: dict[str, str]
    timestamp: datetime | None
    size: int | None
    sent_again: int = 0


def letters(door: Door, *, reason: str = "", topic: str = "") -> list[DeadLetterInfo]:
    """List the dead letters of this reason and this topic of origin, oldest first, without payloads.

    Raises RefusedInquiry.
    """
    door.enter("dead_letter_show", f"topic {topic or 'any'}, reason {reason or 'any'}")
    found: dict[str, DeadLetterInfo] = {}
    sent: dict[str, int] = {}
    for one in _all(door):
        if one.reason == SENT_AGAIN:
            sent[one.origin] = sent.get(one.origin, 0) + 1
        elif reason in ("", one.reason) and topic in ("", one.topic):
            found.setdefault(one.origin, _info(one))
    return [replace(one, sent_again=sent.get(one.origin, 0)) for one in found.values()]


def count_waiting(door: Door) -> int:
    """Return the number of dead letters that were not sent again. A count shows none, so it is no act."""
    waiting: set[str] = set()
    sent: set[str] = set()
    for one in _all(door):
        (sent if one.reason == SENT_AGAIN else waiting).add(one.origin)
    return len(waiting - sent)


def show(door: Door, origin: str) -> tuple[DeadLetterInfo, bytes | None]:
    """Return one letter by its origin (topic/partition/offset), and its payload.

    Raises RefusedError where there is none, and RefusedInquiry.
    """
    with door.log_refusal("dead_letter_show", origin):
        letter, sent = _one(door, origin)
    door.enter("dead_letter_show", origin)
    return replace(_info(letter), sent_again=sent), letter.value


def send_again(door: Door, origin: str, now: datetime, *, again: bool = False) -> DeadLetterInfo:
    """Write a letter's original bytes, key and headers again to the topic that they were refused from.

    `again` allows it although the letter was sent before. Raises RefusedError for a letter that cannot or
    must not be sent, logged as refused, and RefusedInquiry.
    """
    with door.log_refusal("dead_letter_resend", origin):
        letter, sent = _one(door, origin)
        topic = _destination(letter)
        if sent and not again:
            raise RefusedError(
                "letter", f"{origin} was sent again before, {sent} times: --again sends it anew"
            )
    at = None if topic.time_of_arrival else letter.timestamp
    # Without the frame's id, because the flow would take it for a repetition of the refused frame.
    headers = {name: text for name, text in letter.headers.items() if name != FRAME_ID}
    message = Message(letter.key, letter.value, headers, at)
    change = f"sent to the topic {topic.name} again"
    door.enter("dead_letter_resend", origin, change=change, effect=message.effect)
    _mark(door, letter, now)
    publish_encoded(door.streams, topic, [message])
    return replace(_info(letter), sent_again=sent + 1)


def _destination(letter: DeadLetter) -> Topic[Any]:
    """Return the topic to send a letter to. Raises RefusedError for a letter that must not be sent again."""
    if letter.topic.startswith("notify/"):
        raise RefusedError(
            "letter", "a notice that was not delivered is not sent late: tell the shift by radio"
        )
    if letter.topic.startswith(REJECTED_LINE):
        raise RefusedError("letter", "the list's owner corrects its line, which comes with the next file")
    if letter.topic.startswith(TRANSFER):
        raise RefusedError("letter", "platestream evidence send tries the transfer again")
    if letter.topic in CHANGELOGS:
        raise RefusedError(
            "letter", f"an old record of {letter.topic} could stand for a newer one: make the change anew"
        )
    if letter.topic not in AGAIN:
        raise RefusedError("letter", f"{letter.topic} is no topic that letters are sent to again")
    if letter.value is None:
        raise RefusedError("letter", f"no payload was kept of what was refused as {letter.reason}")
    return AGAIN[letter.topic]


def _mark(door: Door, letter: DeadLetter, now: datetime) -> None:
    mark = msgspec.structs.replace(
        letter,
        reason=SENT_AGAIN,
        detail=f"sent again by {door.who}",
        key=None,
        value=None,
        headers={},
        timestamp=now,
    )
    door.streams.writer(topics.DEAD_LETTERS).publish([mark])


def _one(door: Door, origin: str) -> tuple[DeadLetter, int]:
    """Return a letter, and how often it was sent again. Raises RefusedError."""
    found, sent = None, 0
    for one in _all(door, origin):
        if one.origin != origin:
            continue
        if one.reason == SENT_AGAIN:
            sent += 1
        else:
            found = found or one
    if found is None:
        raise RefusedError("letter", f"no dead letter {origin}: they are kept for 7 days")
    return found, sent


def _all(door: Door, prefix: str = "") -> Iterator[DeadLetter]:
    messages = door.streams.read_to_end(topics.DEAD_LETTERS, prefix.encode())
    return map(topics.DEAD_LETTERS.decode, messages)


def _info(letter: DeadLetter) -> DeadLetterInfo:
    return DeadLetterInfo(
        letter.origin,
        letter.topic,
        letter.reason,
        letter.detail,
        letter.headers,
        letter.timestamp,
        None if letter.value is None else len(letter.value),
    )
