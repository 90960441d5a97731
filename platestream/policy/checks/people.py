"""Checks of people, roles, agencies and shifts: sections E.1.a, E.1.e, F.4, F.6, F.7 and I.2."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from platestream.access import gate_rules
from platestream.access.accounts_audit import LIST, WITHIN, resets_between
from platestream.audit.yearly.draw import draws
from platestream.operators.inquiry_checks.order import NOBODY
from platestream.operators.inquiry_checks.registry_history import RegistryHistory
from platestream.operators.people import PeopleRules
from platestream.operators.people_names import find_duplicates, number_identity, same_person
from platestream.policy.checks.context import (
    FLOW_DELAY,
    Answer,
    CheckData,
    fault_of,
    first_few,
    gap_unless,
)
from platestream.policy.checks.loosened_rules import registry_history, while_loosened
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord

_USERS = """
SELECT id, agency, trained_at, role FROM platestream.registry FINAL WHERE kind = 'user' AND active ORDER BY id
"""
_OWN = "SELECT id FROM platestream.registry FINAL WHERE kind = 'agency' AND active AND own"
_AGENCIES = """
SELECT id, mou_from, mou_until, state, declared_at FROM platestream.registry FINAL
WHERE kind = 'agency' AND active AND NOT own
  AND id IN (SELECT agency FROM platestream.registry FINAL WHERE kind = 'user' AND active)
ORDER BY id
"""
_FOUNDED = """
SELECT (SELECT count() FROM platestream.administrators) > 0,
    (SELECT toUnixTimestamp64Micro(max(set_at)) FROM platestream.recovery_codes),
    (SELECT toUnixTimestamp64Micro(max(code_set_at)) FROM platestream.recoveries WHERE step = 'done')
"""
_RECOVERIES = """
SELECT done.inquiry_id, done.at, done.record, arraySort(groupUniqArray(part.who))
FROM platestream.recoveries AS done
INNER JOIN platestream.recoveries AS part ON part.record = done.record
WHERE done.step = 'done' AND part.step IN ('first', 'done')
GROUP BY done.inquiry_id, done.at, done.record ORDER BY done.at
"""
_REVIEWS = """
SELECT about, who, at FROM platestream.inquiry_log WHERE kind = 'registry_review' AND outcome = 'allowed'
"""
_DELIVERED = """
SELECT DISTINCT agency, toStartOfInterval(at, INTERVAL 1000 MILLISECOND) FROM platestream.deliveries FINAL
WHERE agency != '' AND outcome = 'delivered' AND at > {since:DateTime64(6, 'UTC')}
"""
REVIEWED_IN = timedelta(days=30)
_LISTED = """
SELECT who, at FROM platestream.inquiry_log
WHERE at > {since:DateTime64(6, 'UTC')}
  AND kind = 'audit_show' AND about = {about:String} AND outcome = 'allowed'
"""
_JUDGED = """
SELECT DISTINCT finding.who, log.who
FROM (SELECT who, toUUIDOrZero(JSONExtractString(record, 'inquiry_id')) AS inquiry
      FROM platestream.ledger WHERE chain = 'audit' AND kind = 'finding') AS finding
INNER JOIN platestream.inquiry_log AS log ON log.inquiry_id = finding.inquiry
"""
_ALONE = """
SELECT kind, count() FROM platestream.inquiry_log
WHERE at > {since:DateTime64(6, 'UTC')} AND automatic AND outcome = 'allowed'
    AND set_off_by IN {nobody:Array(String)}
GROUP BY kind ORDER BY kind
"""


def trained(live: CheckData) -> Answer:
    """Check that people who search are registered and trained."""
    users = live.rows(_USERS)
    untrained = [who for who, _agency, at, _role in users if not has_training_on(live, at)]
    enforced = gate_rules.registry_enforced(live.client)
    lapsed = fault_of("without training in force", untrained, live.people)
    return Answer.of(
        pluralize(len(users), "active user"),
        "" if enforced else "nobody is registered: anybody with access to the database may look",
        lapsed,
        live.flow_breaches("registered", "trained"),
        list(while_loosened(live, "registered", "trained")),
        live.missing_findings,
    )


def entitled(live: CheckData) -> Answer:
    """Check that acts were allowed to people whose roles include them, and automatic ones name who started
    them.
    """
    users = live.rows(_USERS)
    alone = live.rows(_ALONE, since=max(live.year, live.upgraded), nobody=["", NOBODY])
    kinds = [
        f"{pluralize(count, 'automatic act')} of {kind}, started by nobody who is named"
        for kind, count in alone
    ]
    return Answer.of(
        pluralize(len({role for *_rest, names in users for role in names.split(",")}), "role") + " given",
        kinds,
        live.flow_breaches("roles", "automatic", "started", "unknown_act"),
        gap_unless(
            users, "nobody is registered, so nobody has a role", "platestream registry user ID --role ROLE"
        ),
        live.missing_findings,
    )


def administrator(live: CheckData) -> Answer:
    """Check that there is an ALPR administrator in force. In force is one who is registered, active and
    trained.
    """
    own = own_agencies(live)
    there = [
        who
        for who, agency, at, role in live.rows(_USERS)
        if agency in own and "administrator" in role.split(",") and has_training_on(live, at)
    ]
    founded, codes, spent = live.rows(_FOUNDED)[0]
    missing = (
        "nobody is: two people bring one back with the recovery code (platestream registry recover)"
        if founded
        else "nobody ever was: anybody with access may found the agency (platestream registry user)"
    )
    no_code = gap_unless(
        not founded or codes > spent,
        "there is no recovery code" if not codes else "the recovery code was used",
        "platestream registry recovery-code, by the administrator; the Chief keeps it offline",
    )
    return Answer.of(
        f"{pluralize(len(there), 'administrator')} in force",
        "" if there else missing,
        _unreviewed(live),
        no_code,
    )


def _unreviewed(live: CheckData) -> list[str]:
    """Return recoveries that were not reviewed by an auditor who took no part in them."""
    reviews = live.rows(_REVIEWS)
    users = live.registered("user")
    found = []
    for inquiry, at, record, people in live.rows(_RECOVERIES):
        back = RegistryRecord.from_json(record.encode())
        parts = {*people, back.id}
        fit = [
            who
            for about, who, reviewed in reviews
            if about == str(inquiry)
            and reviewed > at
            and not any(same_person(who, one, users) for one in parts)
        ]
        if not fit:
            found.append(
                f"{live.people([back.id])} was made administrator again on {at:%Y-%m-%d} by "
                f"{live.people(people)}, which no other auditor has reviewed: "
                f"platestream registry review-recovery {inquiry}"
            )
    return found


def _judged_own(live: CheckData, users: Sequence[RegistryRecord]) -> str:
    own = {judge for judge, who in live.rows(_JUDGED) if same_person(judge, who, users)}
    return fault_of("judged an inquiry of their own in a yearly audit", own, live.people)


def registered_once(live: CheckData) -> Answer:
    """Check that each person is registered once, with an employee number."""
    users = live.registered("user")
    own = own_agencies(live)
    bare = [
        one.id
        for one in users
        if one.active and one.agency in own and not number_identity(one.employee_number)
    ]
    twice = [" and ".join(pair) if live.names else "two records" for pair in find_duplicates(users)]
    return Answer.of(
        pluralize(len(users), "person", "people"),
        f"one person registered twice: {first_few(twice)}; "
        "deactivate one of them (platestream registry deactivate user ID)"
        if twice
        else "",
        _judged_own(live, users),
        gap_unless(
            not bare,
            f"without an employee number: {live.people(bare)}",
            "platestream registry user ID --employee-number NUMBER for each of them",
        ),
        gap_unless(users, "nobody is registered", "platestream registry user ID --employee-number NUMBER"),
    )


def resets(live: CheckData) -> Answer:
    """Check that codes for passwords were reviewed by an auditor, and the first search after each was
    audited.
    """
    users = live.registered("user")
    since = max(live.year_before(live.year), live.upgraded)
    found = resets_between(live.client, since, live.now)
    reviews = live.rows(_LISTED, since=since, about=LIST)
    unread = [
        one
        for one in found
        if one.kind == "account_code"
        and not same_person(one.by, one.account, users)
        and one.at < live.now - REVIEWED_IN
        and not any(
            at > one.at and not any(same_person(who, part, users) for part in (one.by, one.account))
            for who, at in reviews
        )
    ]
    made = [drawn for _entry, drawn in draws(live.client)]
    audited = {one for drawn in made for one in drawn.inquiries}
    ends = [(one.resets_since, one.inquiries_until) for one in made if one.resets_since and not one.rhythm]
    missed = [
        one
        for one in found
        if one.search
        and one.search not in audited
        and (one.at < live.year or any(began <= one.at and one.at + WITHIN < until for began, until in ends))
    ]
    return Answer.of(
        pluralize(sum(one.kind == "account_code" for one in found), "code"),
        f"{pluralize(len(unread), 'code')} for {live.people(one.account for one in unread)}, which no other "
        f"auditor has reviewed in {REVIEWED_IN.days} days: platestream account resets"
        if unread
        else "",
        "the first search after a reset was never drawn for an audit, of "
        f"{live.people(one.account for one in missed)}: platestream audit sample"
        if missed
        else "",
        gap_unless(found, "nobody was given a code for a password", "platestream account set"),
    )


def agencies(live: CheckData) -> Answer:
    """Check that other agencies search under an MOU in force. They search only what it shares."""
    rules, others = gate_rules.in_force(live.client), live.rows(_AGENCIES)
    bare = [
        name
        for name, since, until, _state, _declared in others
        if rules.mou_required
        and (since.year <= 1970 or since > live.now or (until.year > 1970 and until <= live.now))
    ]
    foreign = [row[0] for row in others if not rules.out_of_state and row[3] != rules.own_state]
    silent = [
        row[0]
        for row in others
        if rules.declaration
        and row[4].year <= 1970
        and not (rules.declaration_outside and row[3] == rules.own_state)
    ]
    own = sorted(own_agencies(live))
    return Answer.of(
        f"{len(others)} other agencies with users",
        fault_of("more than one is registered as this agency, which needs no MOU", own[1:] and own),
        fault_of("without an MOU in force", bare),
        fault_of("of another state", foreign),
        fault_of("without a written declaration", silent),
        list(while_loosened(live, "agency", "shared")),
        fault_of(
            "notified of hits without an MOU", _notified_without_mou(live) if rules.mou_required else []
        ),
        live.flow_breaches("agency", "shared"),
        gap_unless(
            others,
            "no other agency has users here",
            "once a partner agency has users (platestream registry user --agency)",
        ),
        live.missing_findings,
    )


def _notified_without_mou(live: CheckData) -> list[str]:
    """Return agencies that a hit was delivered to while they had no MOU."""
    history = registry_history(live)
    return sorted(
        {name for name, at in live.rows(_DELIVERED, since=live.year) if _without_mou(history, name, at)}
    )


def _without_mou(history: RegistryHistory, name: str, at: datetime) -> bool:
    """Return whether an agency had no MOU at a time, nor some minutes before, by its record of then."""
    if name not in history.newest.agencies:
        return True
    times = (at - FLOW_DELAY, at)
    versions = [(history.version(f"agency/{name}", time), time) for time in times]
    return all(one is not None and not one.own and not one.mou_at(time) for one, time in versions)


def shifts(live: CheckData) -> Answer:
    """Check that people on shift are trained employees of this agency."""
    users = {one.id: one for one in live.registered("user")}
    own = {one.id for one in live.registered("agency") if one.own and one.active}
    every = [one for one in live.registered("shift") if (one.since or live.now) > live.year]
    unknown = [one.user for one in every if one.user not in users]
    foreign = [one.user for one in every if one.user in users and users[one.user].agency not in own]
    untrained = [one.user for one in every if one.user in users and not _was_fit(live, one, users[one.user])]
    return Answer.of(
        f"{pluralize(len(every), 'shift')} in a year, {len(shifts_open_at(every, live.now))} now",
        fault_of("on shift and not registered", unknown, live.people),
        fault_of("on shift, of another agency", foreign, live.people),
        fault_of("on shift, untrained or ended", untrained, live.people),
        gap_unless(every, "nobody has logged in for a shift in a year", "platestream shift login"),
    )


def own_agencies(live: CheckData) -> set[str]:
    """Return the ids of this agency."""
    return {name for (name,) in live.rows(_OWN)}


def shifts_open_at(every: Iterable[RegistryRecord], at: datetime) -> list[RegistryRecord]:
    """Return the shifts that were open then; an ended one counts until its end."""
    return [one for one in every if one.since and one.until and one.since <= at <= one.until]


def has_training_on(live: CheckData, at: datetime) -> bool:
    """Return whether training of this day is in force."""
    lapses = PeopleRules.of(gate_rules.in_force(live.client)).lapses(at)
    return at.year > 1970 and at <= live.now and (lapses is None or lapses >= live.now)


def _was_fit(live: CheckData, shift: RegistryRecord, user: RegistryRecord) -> bool:
    """Return whether a shift's officer is fit: of an open shift as of now; of an older one, whether there was
    training.
    """
    if user.trained_at is None or user.trained_at > live.now:
        return False
    if not shifts_open_at([shift], live.now) or not shift.active:
        return True
    return user.active and has_training_on(live, user.trained_at) and bool(user.roles)
