"""Dead letters of the bad lines of a feed's file: each names its line and field, and has the line's bytes."""

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
    if not plan.letters:
        return
    errors = dict(plan.letters)
    file.seek(0)
    letters = [
        DeadLetter(
            topic=f"{PREFIX}{plan.source}",
            partition=number,
            offset=place,
            reason=error.reason,
            detail=f"line {place}: {error.detail}",
            value=line[:LONGEST],
        )
        for place, line in enumerate(file, 1)
        if (error := errors.get(place))
    ]
    streams.writer(topics.DEAD_LETTERS).publish(letters)
