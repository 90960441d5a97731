"""Where every flow sends what it refused: to the topic, with its bytes, and to the table."""

import bytewax.operators as op
from bytewax.dataflow import Stream

from connectors.edge import Edge
from flows import meters
from schemas import tables, topics
from schemas.dead_letter import DeadLetter


def dead_letters(edge: Edge, *refused: Stream[DeadLetter]) -> None:
    """Wire all that the steps of a flow refuse."""
    letters = meters.counted("count_refused", op.merge("refused", *refused), meters.dead_letters)
    op.output("dead_letters", letters, edge.topics.write(topics.DEAD_LETTERS))
    keyed = op.key_on("by_origin", letters, lambda letter: letter.origin)
    op.output("dead_letters_table", keyed, edge.tables.insert(tables.DEAD_LETTERS))
