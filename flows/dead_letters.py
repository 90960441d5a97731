"""Output of rejected messages, common to all flows: to the topic, with their bytes, and to the table."""

import bytewax.operators as op
from bytewax.dataflow import Stream

from platestream.edges.edge import Edge
from platestream.edges.sealed_tables import sealed_dead_letters
from platestream.flows import meters
from platestream.schemas import topics
from platestream.schemas.dead_letter import DeadLetter


def dead_letters(edge: Edge, *refused: Stream[DeadLetter]) -> None:
    """Wire all rejected messages of a flow's steps."""
    letters = meters.count_batches("count_refused", op.merge("refused", *refused), meters.dead_letters)
    op.output("dead_letters", letters, edge.topics.write(topics.DEAD_LETTERS))
    keyed = op.key_on("by_origin", letters, lambda letter: letter.origin)
    op.output("dead_letters_table", keyed, edge.tables.insert(sealed_dead_letters(edge.keys)))
