"""Dead letters of the bad lines of a feed's file: each names its line and field, and has the line's bytes."""

from collections.abc import Iterator
from typing import BinaryIO

from platestream.edges.edge import Topics
from platestream.hotlist.list_changes import Import
from platestream.schemas import topics
from platestream.schemas.dead_letter import DeadLetter

PREFIX = "hotlist_file/"
"""Begin of the `topic` of these letters, before the source. They are corrected by the list's owner."""
LONGEST = 20_000
"""Most bytes of a line that are stored."""


def publish_letters(streams: Topics, file: BinaryIO, plan: Import, number: int) -> None:
    """Publish a dead letter for each bad line of a plan. A second import of the file with this `number` gives
    the same letters. Raises BrokerError.
    """
    if plan.letters:
        streams.writer(topics.DEAD_LETTERS).publish(list(letters(file, plan, number)))


def letters(file: BinaryIO, plan: Import, number: int) -> Iterator[DeadLetter]:
    """Yield the dead letters of a plan, with the lines as the file has them; it is read again."""
    errors = dict(plan.letters)
    file.seek(0)
    for place, line in enumerate(file, 1):
        if error := errors.get(place):
            yield DeadLetter(
                topic=f"{PREFIX}{plan.source}",
                partition=number,
                offset=place,
                reason=error.reason,
                detail=f"line {place}: {error.detail}",
                value=line[:LONGEST],
            )
