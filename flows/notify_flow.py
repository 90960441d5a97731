"""Notify flow: alert hits are sent to their receivers, once to each.

    registry ----> decode --+
    presence ----> decode --+
    alert_hits --> decode --+-> route --> by receiver -- outbox --> deliveries (table), dead letters
    deliveries --> decode ---------------> by receiver /     |
        ^                        \\--> deliveries (table)     v
        +------------- sent, acknowledged ---------------- post: channels

    inquiries --> for each receiver of acts: sent by syslog, acknowledged, then the position moves
    detections --> for each receiver of reads, where the rules allow it: the same by MQTT
    hit_actions, alert_hits --> reports, where the rules have a records system --> by receiver

It is a separate process, so that failing receivers do not affect matching. A thread for each receiver sends
outside the flow, and writes deliveries to the ledger at once. The flow reads the ledger from its beginning at
each start, and sends nothing before that.

    python -m bytewax.run platestream.flows.notify_flow:flow -r DIR -s 1 -b 0
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream

from platestream import flow_process
from platestream.access.disproofs import DisproofReader
from platestream.access.rules_reader import rules_in_force
from platestream.edges.edge import Edge
from platestream.edges.sealed_state import sealed_batch
from platestream.flows import meters
from platestream.flows.dead_letters import dead_letters
from platestream.notifications.acts import open_acts
from platestream.notifications.factory import open_post, read_rules
from platestream.notifications.reads_feed import Allows, FixedCameras, RulesAsked, open_reads
from platestream.operators.disproof import Disproofs
from platestream.operators.notify.message import Notice
from platestream.operators.notify.outbox import Outbox, Post, has_failed, to_receivers
from platestream.operators.notify.reports import Reports, bucket
from platestream.operators.notify.route import Router
from platestream.operators.notify.rules import NotifyRules
from platestream.operators.rejection import decode, decode_changes
from platestream.operators.split import split_by_type
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas import tables, topics
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.message import Message
from platestream.settings import load_settings, open_edge

OpenPost = Callable[[Edge, NotifyRules, Clock], Post]


def build(
    edge: Edge,
    rules: NotifyRules,
    post: OpenPost = open_post,
    now: Clock = utc_now,
    disproofs: Callable[[datetime], Disproofs] = lambda _now: {},
    allows: Allows = lambda: False,
) -> Dataflow:
    """Build the flow on any edge. Only one process may run it: its threads are the only senders.

    `disproofs` returns the pairs of plate and entry that officers found wrong, as of now; `allows`
    whether the rules in force allow that reads are sent.
    """
    meters.show("notify")
    flow = Dataflow("notify")
    office = post(edge, rules, now)
    registered = op.input("registry", flow, edge.topics.load(topics.REGISTRY))
    ledgered = op.input("deliveries", flow, edge.topics.load(topics.DELIVERIES))
    present = op.input("presence", flow, edge.topics.load(topics.PRESENCE))
    alerted = op.input("alert_hits", flow, edge.topics.read(topics.ALERT_HITS))

    registry = decode_changes("decode_registry", registered, topics.REGISTRY)
    fixed = FixedCameras()
    seen = meters.count_batches("note_cameras", registry.oks, fixed.note)
    records = meters.count_batches("count_shifts", seen, meters.Shifts(now))
    decided = decode_changes("decode_deliveries", ledgered, topics.DELIVERIES)
    sent = meters.count_batches("count_deliveries", decided.oks, meters.Notifications())
    devices = decode_changes("decode_presence", present, topics.PRESENCE)
    hits = decode("decode_hits", alerted, topics.ALERT_HITS)

    events = op.key_on("one", op.merge("events", records, devices.oks, hits.oks), lambda _event: "all")
    routed = op.stateful_batch(
        "route",
        events,
        sealed_batch(edge.keys, "route", lambda resume: Router(resume, rules, now, disproofs)),
    )
    notices, not_told = split_by_type("routed_as", op.key_rm("routed", routed), Notice, Delivery)
    reports, unreported = _reports(flow, edge, rules, now)
    known = op.flat_map("to_receivers", op.merge("news", sent, notices, *reports), to_receivers(rules))
    posted = op.stateful_batch(
        "outbox", known, sealed_batch(edge.keys, "outbox", lambda resume: Outbox(resume, office, now))
    )
    reported, letters = split_by_type("posted_as", op.key_rm("posted", posted), Delivery, DeadLetter)

    (earlier,) = split_by_type("ledgered", sent, Delivery)
    acts = _acts(flow, edge, rules, now)
    outcomes, unsent = _reads(flow, edge, rules, fixed, allows, now)
    notes = op.merge("notes", earlier, reported, not_told, *outcomes)
    by_hit = op.key_on("by_hit", notes, lambda one: str(one.hit_id))
    failed = op.filter("failed", reported, has_failed)
    op.output("ledger", op.merge("to_ledger", not_told, failed), edge.topics.write(topics.DELIVERIES))
    op.output("deliveries_table", by_hit, edge.tables.insert(tables.DELIVERIES))
    dead_letters(
        edge, registry.errs, decided.errs, devices.errs, hits.errs, letters, *acts, *unsent, *unreported
    )
    return flow


def _acts(flow: Dataflow, edge: Edge, rules: NotifyRules, now: Clock) -> list[Stream[DeadLetter]]:
    """Send acts to their receivers; return what cannot be read."""
    letters = []
    for step, source in open_acts(edge, rules, now):
        (unread,) = split_by_type(f"{step}_as", op.input(step, flow, source), Message)
        letters.append(decode(f"decode_{step}", unread, topics.INQUIRIES).errs)
    return letters


def _reads(
    flow: Dataflow, edge: Edge, rules: NotifyRules, fixed: FixedCameras, allows: Allows, now: Clock
) -> tuple[list[Stream[Delivery]], list[Stream[DeadLetter]]]:
    """Send reads to their receivers; return the outcomes, and what cannot be read or delivered."""
    outcomes, letters = [], []
    for step, source in open_reads(edge, rules, fixed, allows, now):
        items = op.input(step, flow, source)
        unread, done = split_by_type(f"{step}_as", items, Message, Delivery)
        (undelivered,) = split_by_type(f"{step}_not", items, DeadLetter)
        outcomes.append(done)
        letters += [undelivered, decode(f"decode_{step}", unread, topics.DETECTIONS).errs]
    return outcomes, letters


def _reports(
    flow: Dataflow, edge: Edge, rules: NotifyRules, now: Clock
) -> tuple[list[Stream[Notice]], list[Stream[DeadLetter]]]:
    """Return the reports of actions for records systems, and what cannot be read or reported.

    Hits are read again, because a records system may be added while some wait for their action.
    """
    if not any(one.gets_reports for one in rules.receivers):
        return [], []
    taken = op.input("hit_actions", flow, edge.topics.read(topics.HIT_ACTIONS))
    steps = decode("decode_actions", taken, topics.HIT_ACTIONS)
    alerted = op.input("reported_hits", flow, edge.topics.read(topics.ALERT_HITS))
    hits = decode("decode_reported", alerted, topics.ALERT_HITS)
    keyed = op.key_on("by_case", op.merge("cases", steps.oks, hits.oks), bucket)
    made = op.stateful_batch(
        "reports", keyed, sealed_batch(edge.keys, "reports", lambda resume: Reports(resume, rules, now))
    )
    reports, unreported = split_by_type("reports_as", op.key_rm("reported", made), Notice, DeadLetter)
    return [reports], [unreported, steps.errs, hits.errs]


def flow() -> Dataflow:
    """Return the flow that `bytewax.run` starts, with the edge and the rules that the settings name."""
    settings = load_settings()
    claim = flow_process.start_process(settings, "notify")
    post = partial(open_post, journal=settings.data / "notify" / "journal.jsonl")
    rules = rules_in_force(settings)
    disproofs = DisproofReader(settings, rules.profile.disproved_for)
    receivers, allows = read_rules(settings, rules.gate), RulesAsked(settings)
    return build(open_edge(settings, claim), receivers, post, disproofs=disproofs, allows=allows)
