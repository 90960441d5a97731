"""The inquiry log and the hit actions, followed.

inquiry log, sealed --> inquiries (topic: the independent copy)
hit_actions --> decode --> hit_actions (table)

python -m bytewax.run flows.audit_flow:flow -r DIR -s 1 -b 0
"""

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from connectors.edge import Edge
from connectors.settings import open_edge
from flows.dead_letters import dead_letters
from operators.refuse import decode
from schemas import tables, topics


def build(edge: Edge) -> Dataflow:
    """The flow on any edge. One process of it at a time: it gives out the numbers of the seals."""
    flow = Dataflow("audit")
    sealed = op.input("inquiry_log", flow, edge.tables.inquiries())
    written = op.input("hit_actions", flow, edge.topics.read(topics.HIT_ACTIONS))

    actions = decode("decode_actions", written, topics.HIT_ACTIONS)
    by_hit = op.key_on("by_hit", actions.oks, lambda action: str(action.hit_id))

    op.output("inquiries", sealed, edge.topics.write(topics.INQUIRIES))
    op.output("hit_actions_table", by_hit, edge.tables.insert(tables.HIT_ACTIONS))
    dead_letters(edge, actions.errs)
    return flow


def flow() -> Dataflow:
    """What `bytewax.run` starts: the edge that the settings name."""
    return build(open_edge())
