"""Output of rejected messages, common to all flows: to the topic, with their bytes, and to the table."""

import bytewax.operators as op
from bytewax.dataflow import Stream

from platestream.edges.edge import Edge
from platestream.edges.sealed_tables import sealed_dead_letters
from platestream.flows import meters
from platestream.schemas import topics
from platestream.schemas.dead_letter import DeadLetter


def dead_letters(edge: Edge, *refused: Stream[DeadLetter]) -> None:
    """Wire all rejected messages of a flow's steps. Every share reads changelogs; one reports each."""
    merged = op.merge("refused", *refused)
    once = op.filter("refused_once", merged, lambda letter: edge.share.owns(letter.partition))
    letters = meters.count_batches("count_refused", once, meters.dead_letters)
    op.output("dead_letters", letters, edge.topics.write(topics.DEAD_LETTERS))
    keyed = op.key_on("by_origin", letters, lambda letter: letter.origin)
    op.output("dead_letters_table", keyed, edge.tables.insert(sealed_dead_letters(edge.keys)))
