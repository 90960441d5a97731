"""Detections against the hot list, alert hits out.

    hotlist ----> decode --> place --> by bucket \\
                                                  match --> alert_hits (topic, table)
    detections -> decode ----------> by bucket  /

No detection is judged before the hot list has been read to the end it had at this start.

    python -m bytewax.run flows.match_flow:flow -r DIR -s 1 -b 0
"""

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from connectors.edge import Edge
from connectors.settings import open_edge
from flows.dead_letters import dead_letters
from operators.match import HotListMatcher, Placement
from operators.refuse import decode, decode_changes
from schemas import plates, tables, topics


def build(edge: Edge) -> Dataflow:
    """The flow on any edge."""
    flow = Dataflow("match")
    listed = op.input("hotlist", flow, edge.topics.load(topics.HOTLIST))
    read = op.input("detections", flow, edge.topics.read(topics.DETECTIONS))

    changes = decode_changes("decode_hotlist", listed, topics.HOTLIST)
    detections = decode("decode_detections", read, topics.DETECTIONS)

    by_partition = op.key_on("by_partition", changes.oks, lambda change: str(change.partition))
    placed = op.key_rm("placed", op.stateful("place", by_partition, Placement))
    bucketed = op.key_on("bucket", detections.oks, lambda read: str(plates.bucket(read.plate)))
    hits = op.stateful("match", op.merge("events", placed, bucketed), HotListMatcher)

    op.output("alert_hits", op.key_rm("unkey", hits), edge.topics.write(topics.ALERT_HITS))
    op.output("alert_hits_table", hits, edge.tables.insert(tables.ALERT_HITS))
    dead_letters(edge, changes.errs, detections.errs)
    return flow


def flow() -> Dataflow:
    """What `bytewax.run` starts: the edge that the settings name."""
    return build(open_edge())
