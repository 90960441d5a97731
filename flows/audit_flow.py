r"""Audit flow: inquiry log and hit actions to their checks and tables, the registry to the gate's table.

    rules, inquiry log -----+--------------------------------> inquiries (topic: the independent copy)
                            +--> by person \                     ^
    hit_actions --> decode --+-> by person -- check --> remarks -+
                            |              /       \--> inquiry_findings (table) <-- query log of a server
                            +--> hit_actions (table)
    registry -----> decode --+-> everybody/
                            +--> registry (table), except people, agencies and shifts

python -m bytewax.run platestream.flows.audit_flow:flow -r DIR -s 1 -b 0
"""

import bytewax.operators as op
from bytewax.dataflow import Dataflow

from platestream import flow_process
from platestream.access.rules_reader import rules_in_force
from platestream.edges.edge import Edge
from platestream.flows import meters
from platestream.flows.dead_letters import dead_letters
from platestream.operators.inquiry_checks.logic import InquiryChecks, spread_to_buckets
from platestream.operators.inquiry_checks.order import RULES, CheckRules
from platestream.operators.rejection import decode, decode_changes
from platestream.operators.split import split_by_type
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas import tables, topics
from platestream.schemas.finding import Finding
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.registry import RegistryRecord
from platestream.settings import load_settings, open_edge


def build(edge: Edge, now: Clock = utc_now, rules: CheckRules = RULES) -> Dataflow:
    """Build the flow on any edge.

    Only one process may run it, because it assigns the numbers of the seals.
    """
    meters.show("audit")
    flow = Dataflow("audit")
    registry = op.input("registry", flow, edge.topics.load(topics.REGISTRY))
    log = op.input("inquiry_log", flow, edge.tables.inquiries())
    beside = op.input("query_log", flow, edge.tables.queries())
    written = op.input("hit_actions", flow, edge.topics.read(topics.HIT_ACTIONS))

    records = decode_changes("decode_registry", registry, topics.REGISTRY)
    decoded = decode("decode_actions", written, topics.HIT_ACTIONS)
    actions = meters.count_batches("count_actions", decoded.oks, meters.actions)
    (inquiries,) = split_by_type("logged", log, SealedInquiry)
    sealed = meters.count_batches("count_inquiries", inquiries, meters.inquiries)
    events = op.flat_map("spread", op.merge("events", records.oks, log, actions), spread_to_buckets)
    checked = op.stateful_batch("check", events, lambda resume: InquiryChecks(resume, now, rules))
    found, remarks = split_by_type("checked_as", op.key_rm("checked", checked), Finding, SealedInquiry)

    by_hit = op.key_on("by_hit", actions, lambda action: str(action.hit_id))
    (registered,) = split_by_type("registered", records.oks, RegistryRecord)
    by_record = op.key_on("by_record", registered, lambda record: record.key)
    findings = meters.count_batches("count_findings", op.merge("found", found, beside), meters.findings)
    by_person = op.key_on("by_person", findings, lambda finding: finding.who)

    op.output("inquiries", op.merge("copy", sealed, remarks), edge.topics.write(topics.INQUIRIES))
    op.output("hit_actions_table", by_hit, edge.tables.insert(tables.HIT_ACTIONS))
    op.output("registry_table", by_record, edge.tables.insert(tables.REGISTRY_FOLLOWED))
    op.output("findings_table", by_person, edge.tables.insert(tables.INQUIRY_FINDINGS))
    dead_letters(edge, records.errs, decoded.errs)
    return flow


def flow() -> Dataflow:
    """Return the flow that `bytewax.run` starts, on the edge that the settings name."""
    settings = load_settings()
    claim = flow_process.start_process(settings, "audit")
    rules_in_force(settings)  # a flow whose settings contradict them does not start
    return build(open_edge(settings, claim))
