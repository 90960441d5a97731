"""Detections against the hot list, alert hits out.

    registry ---> decode --> designate --> every bucket \\
    hotlist ----> decode --> place ------> by bucket ---- match --> alert_hits (topic, tables)
        ^                      |                        /
        |                      |                       /
        +------ expired -------+                      /
    detections -> decode --> probe ------> by bucket /

No detection is judged before hot list and registry have been read to the end they had at this start. An
entry that has expired is taken off the hot list's topic.

    python -m bytewax.run flows.match_flow:flow -r DIR -s 1 -b 0
"""

from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from connectors import process
from connectors.clock import Clock, utc_now
from connectors.edge import Edge
from connectors.settings import load_settings, open_edge
from flows import meters
from flows.dead_letters import dead_letters
from flows.in_force import rules_in_force
from operators.match import HotListMatcher
from operators.matching.events import Changes
from operators.matching.judge import RULES, Rules
from operators.matching.listing import list_changes
from operators.matching.router import HotListRouter, by_partition, designate, is_expired, probe
from operators.refuse import Results, decode, decode_changes, sift
from schemas import tables, topics
from schemas.message import EndOfSnapshot


def build(edge: Edge, now: Clock = utc_now, rules: Rules = RULES) -> Dataflow:
    """The flow on any edge."""
    meters.show("match")
    flow = Dataflow("match")
    designated = op.input("registry", flow, edge.topics.load(topics.REGISTRY))
    listed = op.input("hotlist", flow, edge.topics.load(topics.HOTLIST))
    read = op.input("detections", flow, edge.topics.read(topics.DETECTIONS))

    records = decode_changes("decode_registry", designated, topics.REGISTRY)
    changes: Results[Changes | EndOfSnapshot] = sift("decode_hotlist", listed, list_changes)
    detections = decode("decode_detections", read, topics.DETECTIONS)

    tally = meters.hotlist_tally()
    parted = op.flat_map_batch("by_partition", changes.oks, by_partition)
    placed = op.stateful_batch("place", parted, lambda resume: HotListRouter(resume, now, tally()))
    split = op.branch("expired_or_placed", op.key_rm("placed", placed), is_expired)
    registry = meters.counted("count_registry", records.oks, meters.registry)
    told = op.flat_map_batch("designate", registry, designate)
    probes = op.flat_map_batch("probe", detections.oks, partial(probe, rules=rules))
    matcher = partial(HotListMatcher, rules=rules, withheld=meters.withheld)
    hits = op.stateful_batch("match", op.merge("events", split.falses, told, probes), matcher)

    published = meters.counted("count_hits", op.key_rm("unkey", hits), meters.hits(now))
    op.output("alert_hits", published, edge.topics.write(topics.ALERT_HITS))
    op.output("alert_hits_table", hits, edge.tables.insert(tables.ALERT_HITS))
    op.output("hit_facts_table", hits, edge.tables.insert(tables.HIT_FACTS))
    op.output("expired", split.trues, edge.topics.write(topics.HOTLIST))
    dead_letters(edge, changes.errs, records.errs, detections.errs)
    return flow


def flow() -> Dataflow:
    """What `bytewax.run` starts: the edge that the settings name, and the rules in force."""
    settings = load_settings()
    process.watch(settings)
    alerts = rules_in_force(settings).profile.alerts
    rules = Rules(least_alternative=alerts.least_alternative, least_confidence=alerts.least_confidence)
    return build(open_edge(settings), rules=rules)
