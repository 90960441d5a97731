"""Who looked, and why: sections D.3, E.1.e, E.1.g, F.1, F.6, F.7, G.7 and I."""

from datetime import timedelta

from services.policy.checks.live import Live, Told, counted, named, told
from services.rules import gate_rules

BEHIND = timedelta(minutes=10)

_LOG = """
SELECT count(), countIf(outcome = 'refused'),
       countIf(outcome = 'allowed' AND NOT match(concat(case_number, reason), '[\\\\pL\\\\pN]'))
FROM platestream.inquiry_log WHERE at > {since:DateTime64(6, 'UTC')}
"""
_UNSEALED = """
SELECT count(), min(at) FROM platestream.inquiry_log
WHERE at < {before:DateTime64(6, 'UTC')} AND entry NOT IN (SELECT entry FROM platestream.inquiry_seals)
"""
_USERS = """
SELECT id, agency, trained_at FROM platestream.registry FINAL WHERE kind = 'user' AND active ORDER BY id
"""
_AGENCIES = """
SELECT id, mou_from, mou_until, state, declared_at FROM platestream.registry FINAL
WHERE kind = 'agency' AND active AND NOT own
  AND id IN (SELECT agency FROM platestream.registry FINAL WHERE kind = 'user' AND active)
ORDER BY id
"""
_REQUESTS = """
SELECT count(), countIf(legal_basis = '') FROM platestream.inquiry_log
WHERE at > {since:DateTime64(6, 'UTC')} AND outcome = 'allowed' AND requester != ''
"""


def documented(live: Live) -> Told:
    """Every look has a case number or a reason."""
    ((count, refused, bare),) = live.rows(_LOG, since=live.year)
    figure = f"{count} inquiries in a year, {refused} of them refused"
    return told(
        figure, f"{bare} allowed without case number and reason" if bare else "", live.found("documented")
    )


def unlogged(live: Live) -> Told:
    """No query of a person reached data beside the gate."""
    if live.embedded:
        return told("embedded engine: one account, no log of queries; its folder is the boundary")
    ((there,),) = live.rows(f"EXISTS TABLE {live.query_log}")
    if not there:
        return told("no log", "the server keeps no query_log: clickhouse/server.xml turns it on")
    ((queries,),) = live.rows(f"SELECT count() FROM {live.query_log}")  # noqa: S608
    return told(f"{queries} queries in the server's log", live.found("unlogged"))


def checked(live: Live) -> Told:
    """The audit flow has sealed and checked what is older than some minutes."""
    ((count, first),) = live.rows(_UNSEALED, before=live.now - BEHIND)
    ((sealed,),) = live.rows("SELECT count() FROM platestream.inquiry_seals")
    late = (
        f"{count} inquiries wait for the audit flow, the oldest since {first:%Y-%m-%d %H:%M}" if count else ""
    )
    return told(counted(sealed, "inquiry") + " sealed", late)


def trained(live: Live) -> Told:
    """Whoever may look is registered and has training that has not lapsed."""
    users = live.rows(_USERS)
    days = gate_rules.in_force(live.client).training_days
    untrained = [
        who
        for who, _agency, at in users
        if at.year <= 1970 or at > live.now or (days and at < live.now - timedelta(days=days))
    ]
    open_door = (
        ""
        if gate_rules.registry_enforced(live.client)
        else ("nobody is registered: anybody with access to the database may look")
    )
    lapsed = f"without training in force: {named(untrained)}" if untrained else ""
    return told(counted(len(users), "active user"), open_door, lapsed, live.found("registered", "trained"))


def agencies(live: Live) -> Told:
    """Other agencies look by an MOU in force, inside what it shares."""
    rules, others = gate_rules.in_force(live.client), live.rows(_AGENCIES)
    bare = [
        name
        for name, since, until, _state, _declared in others
        if rules.mou_required
        and (since.year <= 1970 or since > live.now or (until.year > 1970 and until <= live.now))
    ]
    foreign = [
        name
        for name, *_dates, state, _declared in others
        if not rules.out_of_state and state != rules.own_state
    ]
    silent = [
        name
        for *_rest, declared in others
        for name in [_rest[0]]
        if rules.declaration and declared.year <= 1970
    ]
    return told(
        f"{len(others)} other agencies with users",
        f"without an MOU in force: {named(bare)}" if bare else "",
        f"of another state: {named(foreign)}" if foreign else "",
        f"without a written declaration: {named(silent)}" if silent else "",
        live.found("agency", "shared"),
    )


def purposes(live: Live) -> Told:
    """Prohibited purposes are refused, and none got past."""
    rules = gate_rules.in_force(live.client)
    figure = f"{len(rules.prohibited)} prohibited purposes, {len(rules.purposes) or 'all other'} allowed"
    bare = "" if rules.prohibited else "the gate knows no prohibited purpose"
    return told(figure, bare, live.found("purpose"))


def requests(live: Live) -> Told:
    """Requests from outside of law enforcement have their legal basis on record."""
    ((count, bare),) = live.rows(_REQUESTS, since=live.year)
    lacking = f"{bare} requests without a legal basis" if bare else ""
    return told(counted(count, "request") + " in a year", lacking, live.found("legal_basis"))
