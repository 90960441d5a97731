"""Alert hits to whoever is to be told, each receiver once.

    registry ----> decode --+
    alert_hits --> decode --+-> route --> by receiver -- outbox --> deliveries (table), dead letters
    deliveries --> decode ---------------> by receiver /     |
        ^                        \\--> deliveries (table)     v
        +------------- sent, acknowledged ---------------- post: webhooks, mail, Apprise

A process of its own: matching goes on whatever becomes of receivers. Sending is done beside the flow by
threads of each receiver, which write what was delivered to the ledger at once; the flow reads the ledger
from its beginning at each start, and sends nothing before it has.

    python -m bytewax.run flows.notify_flow:flow -r DIR -s 1 -b 0
"""

from collections.abc import Callable
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
from flows.post import open_post, read_rules
from operators.notify.message import Notice
from operators.notify.outbox import Outbox, Post, has_failed, to_receivers
from operators.notify.route import Router
from operators.notify.rules import NotifyRules
from operators.refuse import decode, decode_changes
from operators.split import split_by_type
from schemas import tables, topics
from schemas.dead_letter import DeadLetter
from schemas.delivery import Delivery

OpenPost = Callable[[Edge, NotifyRules, Clock], Post]


def build(edge: Edge, rules: NotifyRules, post: OpenPost = open_post, now: Clock = utc_now) -> Dataflow:
    """The flow on any edge. One process of it at a time: its threads are the only ones that send."""
    meters.show("notify")
    flow = Dataflow("notify")
    office = post(edge, rules, now)
    registered = op.input("registry", flow, edge.topics.load(topics.REGISTRY))
    ledgered = op.input("deliveries", flow, edge.topics.load(topics.DELIVERIES))
    alerted = op.input("alert_hits", flow, edge.topics.read(topics.ALERT_HITS))

    registry = decode_changes("decode_registry", registered, topics.REGISTRY)
    records = meters.counted("count_shifts", registry.oks, meters.Shifts(now))
    decided = decode_changes("decode_deliveries", ledgered, topics.DELIVERIES)
    sent = meters.counted("count_deliveries", decided.oks, meters.Notifications())
    hits = decode("decode_hits", alerted, topics.ALERT_HITS)

    events = op.key_on("one", op.merge("events", records, hits.oks), lambda _event: "all")
    routed = op.stateful_batch("route", events, lambda resume: Router(resume, rules, now))
    notices, not_told = split_by_type("routed_as", op.key_rm("routed", routed), Notice, Delivery)
    known = op.flat_map("to_receivers", op.merge("news", sent, notices), to_receivers(rules))
    posted = op.stateful_batch("outbox", known, lambda resume: Outbox(resume, office, now))
    reported, letters = split_by_type("posted_as", op.key_rm("posted", posted), Delivery, DeadLetter)

    (earlier,) = split_by_type("ledgered", sent, Delivery)
    by_hit = op.key_on("by_hit", op.merge("notes", earlier, reported, not_told), lambda one: str(one.hit_id))
    failed = op.filter("failed", reported, has_failed)
    op.output("ledger", op.merge("to_ledger", not_told, failed), edge.topics.write(topics.DELIVERIES))
    op.output("deliveries_table", by_hit, edge.tables.insert(tables.DELIVERIES))
    dead_letters(edge, registry.errs, decided.errs, hits.errs, letters)
    return flow


def flow() -> Dataflow:
    """What `bytewax.run` starts: the edge and the rules that the settings name."""
    settings = load_settings()
    process.watch(settings)
    post = partial(open_post, journal=settings.data / "notify" / "journal.jsonl")
    return build(open_edge(settings), read_rules(settings, rules_in_force(settings).gate), post)
