"""Checks of sworn employees on duty, their access and their training material: sections E.1.d, F.4, F.7 and
F.8.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from platestream.access import gate_rules
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, first_few, gap_unless
from platestream.policy.checks.hits import no_steps
from platestream.policy.checks.people import has_training_on, own_agencies, shifts_open_at
from platestream.schemas.acts import BY_NAME
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import Duty, RegistryRecord
from platestream.schemas.spans import Span

GRACE = timedelta(minutes=15)  # tolerated between duty and shift, at either end
HOLE = timedelta(days=1)  # longest tolerated time without a roster
IMPORT = "platestream registry roster FILE.csv (user,since,until,absent)"
YEAR = Span(1, "year")  # how long an approval of material counts where training does not lapse

_STEPS = (
    "SELECT at, by FROM platestream.hit_actions FINAL WHERE at > {since:DateTime64(3, 'UTC')} ORDER BY at"
)
# A person whose record said sworn within this time still counts as sworn.
_SWORN_LATELY = """
SELECT DISTINCT about FROM platestream.inquiry_log
WHERE kind = 'registry_user' AND outcome = 'allowed' AND at > {since:DateTime64(6, 'UTC')}
    AND position(change, 'sworn: yes -> ') > 0
"""
_ACTED = """
SELECT DISTINCT who FROM platestream.inquiry_log
WHERE outcome = 'allowed' AND NOT automatic AND at > {since:DateTime64(6, 'UTC')}
"""


def on_duty(live: CheckData) -> Answer:
    """Check that people who recorded steps on hits, or were on duty by the roster, were on shift."""
    shifts, steps = live.registered("shift"), live.rows(_STEPS, since=live.year)
    rosters = [one for one in live.registered("roster") if one.active]
    off = [(at, by) for at, by in steps if by not in {one.user for one in shifts_open_at(shifts, at)}]
    duties = [
        duty for one in rosters for duty in one.duties if live.year < duty.until and duty.since < live.now
    ]
    worked = [one for one in duties if not one.absent]
    absences = [one for one in duties if one.absent]
    lost = [one for one in worked if _uncovered(one, shifts, absences, live.now) > GRACE]
    idle = [one for one in absences if any(_common(one, shift, live.now) > GRACE for shift in shifts)]
    return Answer.of(
        f"{pluralize(len(steps), 'step')} on hits in a year; {pluralize(len(worked), 'duty time')}, "
        f"{pluralize(len(absences), 'absence')} by {pluralize(len(rosters), 'roster')}",
        f"{pluralize(len(off), 'step')} by {live.people(by for _at, by in off)}, not on shift then"
        if off
        else "",
        f"on duty by the roster and not logged in: {_times(live, lost)}" if lost else "",
        f"absent by the roster and logged in: {_times(live, idle)}" if idle else "",
        no_steps(steps),
        list(_unrostered(live, rosters, shifts)),
    )


def _unrostered(
    live: CheckData, rosters: Sequence[RegistryRecord], shifts: Iterable[RegistryRecord]
) -> Iterator[Unchecked]:
    """Yield what the rosters do not cover, where absences from duty cannot be detected."""
    if not rosters:
        yield Unchecked("no roster says who was on duty: only steps on hits are compared with shifts", IMPORT)
        return
    times = sorted((one.since, one.until) for one in rosters if one.since and one.until)
    end, holes = max(live.year, times[0][0]), []
    for since, until in [*times, (live.now, live.now)]:
        if since - end > HOLE:
            holes.append(f"{end:%Y-%m-%d} to {since:%Y-%m-%d}")
        end = max(end, until)
    if holes:
        yield Unchecked(f"no roster of {first_few(holes)}", f"{IMPORT}, before each period begins")
    duties = [duty for one in rosters for duty in one.duties]
    lately = {one.user for one in duties if one.until > live.now - live.period}
    sworn = [one for one in live.registered("user") if one.active and one.sworn]
    unlisted = [one.id for one in sworn if one.agency in own_agencies(live) and one.id not in lately]
    if unlisted:
        yield Unchecked(
            f"sworn employees whom no roster of {live.period.days} days lists: {live.people(unlisted)}",
            f"{IMPORT} with a row for each, `absent` where they have no duty",
        )
    over = [
        one
        for one in shifts
        if one.since is not None
        and any(of.since and of.until and of.since <= one.since < of.until for of in rosters)
        and not any(_common(duty, one, live.now) for duty in duties)
    ]
    if over:
        who = live.people(one.user for one in over)
        yield Unchecked(
            f"{pluralize(len(over), 'shift')} of {who} outside of their duty times", f"{IMPORT} with them"
        )


def _uncovered(
    duty: Duty, shifts: Iterable[RegistryRecord], absences: Iterable[Duty], now: datetime
) -> timedelta:
    """Return the part of a duty time, up to now, in which its person was neither logged in nor absent."""
    spans = [*((one.user, one.since, one.until) for one in shifts if one.since and one.until)]
    spans += [(one.user, one.since, one.until) for one in absences]
    lost, at, end = timedelta(), duty.since, min(duty.until, now)
    for _user, since, until in sorted(one for one in spans if one[0] == duty.user):
        lost += max(timedelta(), min(since, end) - at)
        at = max(at, min(until, end))
    return lost + max(timedelta(), end - at)


def _common(duty: Duty, shift: RegistryRecord, now: datetime) -> timedelta:
    if shift.user != duty.user or shift.since is None or shift.until is None:
        return timedelta()
    return max(timedelta(), min(duty.until, shift.until, now) - max(duty.since, shift.since))


def _times(live: CheckData, duties: Sequence[Duty]) -> str:
    begun = sorted(one.since.astimezone(live.profile.agency.zone) for one in duties)
    days = first_few(f"{one:%Y-%m-%d %H:%M %Z}" for one in begun)
    return f"{live.people(one.user for one in duties)} ({days})"


def access(live: CheckData) -> Answer:
    """Check that every sworn employee has a role that searches, training in force and a sign-in."""
    own = own_agencies(live)
    lately = {about for (about,) in live.rows(_SWORN_LATELY, since=live.now - live.period)}
    staff = [one for one in live.registered("user") if one.active and one.agency in own]
    sworn = [one for one in staff if one.sworn or one.key[:64] in lately]
    searches = set(BY_NAME["search"].roles)
    idle = [one.id for one in sworn if not searches & set(one.roles)]
    untrained = [one.id for one in sworn if not (one.trained_at and has_training_on(live, one.trained_at))]
    civil = [one.id for one in staff if one.sworn is False and one not in sworn and "officer" in one.roles]
    passwords = live.sign_ins()
    acted = {who for (who,) in live.rows(_ACTED, since=live.now - live.period)}
    outside = [one.id for one in sworn if one.id not in acted and one.id not in (passwords or ())]
    signs = f"neither a password nor an act in {live.period.days} days: {live.people(outside)}"
    unsaid = [one.id for one in staff if one.sworn is None]
    return Answer.of(
        pluralize(len(sworn), "sworn employee"),
        fault_of("without a role that searches", idle, live.people),
        fault_of("without training in force", untrained, live.people),
        f"without a sign-in, {signs}" if outside and passwords is not None else "",
        fault_of("officers by their role and no sworn employees by their record", civil, live.people),
        gap_unless(
            not outside or passwords is not None,
            f"where people sign in is not read here, and of some there is {signs}",
            "platestream policy check with PLATESTREAM_DATA of the console, or a first act of each of them",
        ),
        gap_unless(
            not unsaid,
            f"sworn or not is not on record: {live.people(unsaid)}",
            "platestream registry user ID --sworn or --civilian",
        ),
        gap_unless(sworn, "no sworn employee is registered", "platestream registry user ID --sworn"),
    )


def materials(live: CheckData) -> Answer:
    """Check that training material is approved and up to date, and training names material approved by its
    day.
    """
    own, every = own_agencies(live), {one.id: one for one in live.registered("material")}
    rules = gate_rules.in_force(live.client)
    counts = rules.training or YEAR
    since = counts.before(live.now, rules.zone)
    old = [one.id for one in every.values() if one.active and (one.approved_at or live.now) < since]
    trained = [one for one in live.registered("user") if one.active and one.agency in own and one.trained_at]
    bare = [one.id for one in trained if not one.material]
    wrong = [one.id for one in trained if one.material and not _is_trained_with(one, every.get(one.material))]
    return Answer.of(
        f"{pluralize(len(every), 'material')}, {pluralize(len(trained), 'person', 'people')} trained",
        fault_of(f"approved over {counts} ago, longer than training counts", old),
        fault_of("trained with material that was not on record or not approved by then", wrong, live.people),
        gap_unless(
            any(one.active for one in every.values()),
            "no training material is on record",
            "platestream registry material ID --version VERSION --file FILE",
        ),
        gap_unless(
            not bare,
            f"their training names no material: {live.people(bare)}",
            "platestream registry user ID --trained DAY --material ID",
        ),
        gap_unless(trained, "nobody is trained", "platestream registry user ID --trained DAY --material ID"),
    )


def _is_trained_with(person: RegistryRecord, material: RegistryRecord | None) -> bool:
    at = person.trained_at
    if material is None or at is None or material.approved_at is None or material.approved_at > at:
        return False
    return material.active or material.changed_at is None or at <= material.changed_at
