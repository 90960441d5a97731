"""Match flow: detections are matched with the hot list and become alert hits.

    registry ---> decode --> designate --> every bucket \\
    hotlist ----> decode --> place ------> by bucket ---- match --> alert_hits (topic, tables)
        ^                      |                        /
        |                      |                       /
        +------ expired -------+                      /
    detections -> decode --> probe ------> by bucket /
    in_view ----> decode --> probe ------> by bucket /
    alert_hits -> decode --> of look-backs and other agencies --> alert_hits (tables)

No detection is judged before hot list and registry have been read to the end that they had at the start.
Expired entries are removed from the hot list's topic. Look-backs and partners publish hits and may not write
the tables of a server, so this flow does.

Each share (`PLATESTREAM_SHARE`) matches its partitions of detections with the complete list. A camera is in
one partition, and all that is remembered is of a camera, so shares exchange nothing. What must happen once
for a message of a changelog is done by the share that owns its partition: removal of expired entries, dead
letters and the figures of the list.

    python -m bytewax.run platestream.flows.match_flow:flow -r DIR -s 1 -b 0
"""

from dataclasses import replace
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from platestream import flow_process
from platestream.access.rules_reader import rules_in_force
from platestream.edges.edge import Edge
from platestream.edges.sealed_state import sealed_batch
from platestream.flows import meters
from platestream.flows.dead_letters import dead_letters
from platestream.operators.match import HotListMatcher
from platestream.operators.matching.changelog_decoder import list_changes
from platestream.operators.matching.entry_match import RULES, Rules
from platestream.operators.matching.events import Changes
from platestream.operators.matching.router import (
    HotListRouter,
    by_partition,
    designate,
    is_expired,
    probe,
    probe_in_view,
)
from platestream.operators.rejection import Checked, decode, decode_changes, split_rejected
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas import tables, topics
from platestream.schemas.message import EndOfSnapshot
from platestream.settings import load_settings, open_edge


def build(edge: Edge, now: Clock = utc_now, rules: Rules = RULES) -> Dataflow:
    """Build the flow on any edge."""
    meters.show("match")
    flow = Dataflow("match")
    designated = op.input("registry", flow, edge.topics.load(topics.REGISTRY))
    listed = op.input("hotlist", flow, edge.topics.load(topics.HOTLIST))
    # A share has fewer partitions, and batches cost: what all of them bring at once stays the same.
    detections_topic = replace(topics.DETECTIONS, a_poll=topics.DETECTIONS.a_poll * edge.share.of)
    read = op.input("detections", flow, edge.topics.read(detections_topic))
    standing = op.input("in_view", flow, edge.topics.read(topics.IN_VIEW))
    published_hits = op.input("found", flow, edge.topics.read(topics.ALERT_HITS))

    records = decode_changes("decode_registry", designated, topics.REGISTRY)
    changes: Checked[Changes | EndOfSnapshot] = split_rejected("decode_hotlist", listed, list_changes)
    detections = decode("decode_detections", read, topics.DETECTIONS)
    in_view = decode("decode_in_view", standing, topics.IN_VIEW)

    tally = meters.hotlist_tally()
    parted = op.flat_map_batch("by_partition", changes.oks, by_partition)
    owns = edge.share.owns
    placed = op.stateful_batch("place", parted, lambda resume: HotListRouter(resume, now, tally(), owns))
    split = op.branch("expired_or_placed", op.key_rm("placed", placed), is_expired)
    registry = meters.count_batches("count_registry", records.oks, meters.registry)
    designations = op.flat_map_batch("designate", registry, designate)
    probes = op.flat_map_batch("probe", detections.oks, partial(probe, rules=rules))
    again = op.flat_map_batch("probe_in_view", in_view.oks, partial(probe_in_view, rules=rules))
    matcher = partial(HotListMatcher, rules=rules, withheld=meters.withheld)
    hits = op.stateful_batch(
        "match",
        op.merge("events", split.falses, designations, probes, again),
        sealed_batch(edge.keys, "match", matcher),
    )

    known = decode("decode_found", published_hits, topics.ALERT_HITS)
    others = op.filter("of_others", known.oks, lambda hit: hit.historical or bool(hit.agency))
    found = op.merge("all_hits", hits, op.key_on("by_entry", others, lambda hit: hit.entry.entry_id))

    published = meters.count_batches("count_hits", op.key_rm("unkey", hits), meters.hits(now))
    op.output("alert_hits", published, edge.topics.write(topics.ALERT_HITS))
    op.output("alert_hits_table", found, edge.tables.insert(tables.ALERT_HITS))
    op.output("hit_facts_table", found, edge.tables.insert(tables.HIT_FACTS))
    op.output("expired", split.trues, edge.topics.write(topics.HOTLIST))
    dead_letters(edge, changes.errs, records.errs, detections.errs, in_view.errs, known.errs)
    return flow


def flow() -> Dataflow:
    """Return the flow that `bytewax.run` starts, with the edge and rules that the settings name."""
    settings = load_settings()
    claim = flow_process.start_process(settings, "match")
    alerts = rules_in_force(settings).profile.alerts
    rules = Rules(
        least_alternative=alerts.least_alternative,
        least_confidence=alerts.least_confidence,
        camera_reads=alerts.camera_reads,
        unseen=alerts.unseen,
    )
    return build(open_edge(settings, claim), rules=rules)
