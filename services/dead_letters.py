"""Dead letters, what was refused: listed, looked at, and sent again to where they came from.

They are read from their topic, whatever edge it is on. That a letter was sent again is a record of the same
topic beside it, written before the letter is, so that it is not sent twice unawares.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from schemas import topics
from schemas.dead_letter import DeadLetter
from schemas.frame import FRAME_ID
from schemas.message import Message, RefusedError
from schemas.topics import Topic
from services.door import Door

SENT_AGAIN = "sent_again"  # the reason of the record that says so
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
# Of these an old record sent again would stand for a newer one.
CHANGELOGS = (topics.HOTLIST.name, topics.REGISTRY.name, topics.INQUIRIES.name, topics.DELIVERIES.name)


@dataclass(frozen=True)
class Letter:
    """A dead letter without its payload; `size` is that of the payload in bytes, None where none was kept."""

    origin: str
    topic: str
    reason: str
    detail: str
    headers: dict[str, str]
    timestamp: datetime | None
    size: int | None
    sent_again: int = 0


def letters(door: Door, *, reason: str = "", topic: str = "") -> list[Letter]:
    """What is in the topic, oldest first, without payloads; only of this reason and this topic of origin.

    Raises RefusedInquiry.
    """
    door.enter("dead_letter_show", f"topic {topic or 'any'}, reason {reason or 'any'}")
    found: dict[str, Letter] = {}
    sent: dict[str, int] = {}
    for one in _all(door):
        if one.reason == SENT_AGAIN:
            sent[one.origin] = sent.get(one.origin, 0) + 1
        elif reason in ("", one.reason) and topic in ("", one.topic):
            found.setdefault(one.origin, _told(one))
    return [replace(one, sent_again=sent.get(one.origin, 0)) for one in found.values()]


def show(door: Door, origin: str) -> tuple[Letter, bytes | None]:
    """One letter by where it came from (topic/partition/offset), and its payload.

    Raises RefusedError where there is none, and RefusedInquiry.
    """
    with door.on_record("dead_letter_show", origin):
        letter, sent = _one(door, origin)
    door.enter("dead_letter_show", origin)
    return replace(_told(letter), sent_again=sent), letter.value


def send_again(door: Door, origin: str, now: datetime, *, again: bool = False) -> Letter:
    """Write a letter's bytes, key and headers as they came to the topic that they were refused from.

    `again`: although it was sent before. Raises RefusedError for a letter that cannot or must not be sent, on
    record as refused, and RefusedInquiry.
    """
    with door.on_record("dead_letter_resend", origin):
        letter, sent = _one(door, origin)
        topic = _goes_to(letter)
        if sent and not again:
            raise RefusedError(
                "letter", f"{origin} was sent again before, {sent} times: --again sends it anew"
            )
    at = None if topic.time_of_arrival else letter.timestamp
    # Without its id: that stands for the frame whose outcome the letter was.
    headers = {name: text for name, text in letter.headers.items() if name != FRAME_ID}
    message = Message(letter.key, letter.value, headers, at)
    change = f"sent to the topic {topic.name} again"
    door.enter("dead_letter_resend", origin, change=change, effect=message.effect)
    _mark(door, letter, now)
    door.streams.writer(replace(topic, encode=_as_it_came)).publish([message])
    return replace(_told(letter), sent_again=sent + 1)


def _goes_to(letter: DeadLetter) -> Topic[Any]:
    """Raises RefusedError for what is not to be sent again."""
    if letter.topic.startswith("notify/"):
        raise RefusedError(
            "letter", "a notice that was not delivered is not sent late: tell the shift by radio"
        )
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
    """A letter, and how often it was sent again. Raises RefusedError."""
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


def _told(letter: DeadLetter) -> Letter:
    return Letter(
        letter.origin,
        letter.topic,
        letter.reason,
        letter.detail,
        letter.headers,
        letter.timestamp,
        None if letter.value is None else len(letter.value),
    )


def _as_it_came(message: Message) -> Message:
    return message
