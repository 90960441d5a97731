"""Comparison of registry and rules with the inquiry log: every record must be made by an act (E.1.a, E.1.c,
E.1.e).

The registry is compared on its topic and in the table that the gate reads: the newest record of each id must
be the one whose SHA-256 the newest act about it holds. Earlier records are in the log only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from platestream.policy.checks.acts import NEAR, ActIndex, LoggedAct, Versions, logged_acts
from platestream.policy.checks.context import FLOW_DELAY, Answer, CheckData, first_few, gap_unless
from platestream.schemas import topics
from platestream.schemas.message import Message
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import EPOCH

ACTS_OF: Mapping[str, tuple[str, ...]] = {
    "agency": ("registry_agency",),
    "user": ("registry_user", "registry_recover"),
    "camera": ("registry_camera",),
    "detail": ("registry_detail",),
    "incident": ("registry_incident",),
    "place": ("registry_place",),
    "roster": ("registry_roster",),
    "material": ("registry_material",),
    "evidence_system": ("registry_evidence_system",),
    # An import writes its time into its source's record.
    "hotlist_source": ("registry_source", "hotlist_import", "hotlist_force", "hotlist"),
    "hotlist_category": ("registry_category",),
    "shift": ("shift_login", "shift_logout"),
}
IMPORTS = ("hotlist_import", "hotlist_force")
_TABLE = "SELECT kind, id, changed_at FROM platestream.registry FINAL"
# A row that `platestream migrate` completed is from a release whose acts held no hash.
_RULES = """
SELECT set_at, set_by, adopted_at > toDateTime(0, 'UTC') AS adopted,
    if(rules = '' OR adopted, '', lower(hex(SHA256(rules))))
FROM platestream.gate_rules ORDER BY set_at
"""
SECOND = timedelta(seconds=1)
MIGRATION = "migration"  # author of the rules that a new database begins with


def records_logged(live: CheckData) -> Answer:
    """Check that records of the registry were made by logged acts."""
    records, unread = live.registry
    table = {f"{kind}/{name}": changed for kind, name, changed in live.rows(_TABLE)}
    by_act: dict[str, list[LoggedAct]] = defaultdict(list)
    for act in logged_acts(live, {kind for kinds in ACTS_OF.values() for kind in kinds}):
        by_act[act.kind].append(act)
    written = ActIndex(_by_key(by_act), [act for kind in IMPORTS for act in by_act[kind]])
    bare = [
        key
        for key, one in sorted(records.items())
        if not _is_written(one, live.registry_messages[key.encode()], written, by_act, live.upgraded)
    ]
    disguised = _ids(live, _disguised(live, written))
    undone = sorted(_missing_records(records, by_act, live.now - NEAR))
    newer = [key for key, at in sorted(table.items()) if at > _changed(records.get(key)) + SECOND]
    late = [
        key
        for key, one in sorted(records.items())
        if table.get(key, EPOCH) < _changed(one) - SECOND and _changed(one) < live.now - FLOW_DELAY
    ]
    kinds = Counter(one.kind for one in records.values())
    return Answer.of(
        ", ".join(pluralize(count, kind.replace("_", " ")) for kind, count in sorted(kinds.items())),
        f"without an act on record: {_ids(live, bare)}" if bare else "",
        f"changed or removed for a time without an act on record: {disguised}" if disguised else "",
        f"an act on record and no record: {_ids(live, undone)}" if undone else "",
        f"in the gate's table and not on the topic: {_ids(live, newer)}" if newer else "",
        f"on the topic and not in the gate's table: {_ids(live, late)}" if late else "",
        f"not a valid record: {_ids(live, unread)}" if unread else "",
        gap_unless(
            records or table,
            "the registry is empty",
            "platestream registry agency and platestream registry user",
        ),
    )


def _disguised(live: CheckData, written: ActIndex) -> list[str]:
    """Return the records that were something else on the topic for a time."""
    versions = Versions()
    for message in live.messages(topics.REGISTRY):
        key = (message.key or b"").decode(errors="replace")
        versions.add(key, by_act=written.wrote(key if key.startswith("shift/") else key[:64], message))
    return sorted(versions.disguised)


def rules_logged(live: CheckData) -> Answer:
    """Check that changes of the rules were logged acts. Each is by the person who set the rules, and holds
    their hash.
    """
    rows = live.rows(_RULES)
    # Only the first row may lack an act, and only rows of before the upgrade may be completed by `migrate`.
    forged = [at for at, by, old, _hash in rows[1:] if by == MIGRATION or (old and at >= live.upgraded)]
    set_ = [(at, by, digest) for at, by, _old, digest in rows if by != MIGRATION]
    left = logged_acts(live, ("rules",))
    there = {row[3] for row in rows}
    settled = [act for act in left if act.effect and live.year < act.at < live.now - NEAR]
    gone = [act.at for act in settled if act.effect not in there]
    bare, others = [], []
    for at, by, digest in set_:  # each act accounts for one change
        near = [act for act in left if act.is_near(at) and act.who == by]
        act = next((one for one in near if one.effect == digest), near[0] if near else None)
        if act is None:
            bare.append((at, by))
        else:
            left.remove(act)
            others += [at] if digest and act.effect != digest else []
    days = _minutes(at for at, _by in bare)
    text = f"set without an act on record: {days}, in the name of {live.people(by for _at, by in bare)}"
    return Answer.of(
        f"{pluralize(len(set_), 'change')} of the rules",
        text if bare else "",
        f"no act holds the hash of the rules that were set: {_minutes(others)}" if others else "",
        f"set as if by the first set-up: {_minutes(forged)}" if forged else "",
        f"rules that an act put in force are not there: {_minutes(gone)}" if gone else "",
        gap_unless(
            set_, "the rules are those that the database began with", "platestream registry rules --profile"
        ),
    )


def _minutes(times: Iterable[datetime]) -> str:
    return first_few(f"{at:%Y-%m-%d %H:%M}" for at in times)


def _by_key(by_act: Mapping[str, list[LoggedAct]]) -> Iterator[tuple[str, LoggedAct]]:
    """Yield acts by the key of the record that each wrote; the key of a shift is at the beginning of its
    act's text.
    """
    every = (act for kind, some in by_act.items() if kind not in IMPORTS for act in some)
    for act in sorted(every, key=lambda one: one.at):
        is_shift = act.kind in ACTS_OF["shift"]
        yield (act.said.partition("Z: ")[0] + "Z" if is_shift else act.about), act


def _is_written(
    record: RegistryRecord,
    message: Message,
    written: ActIndex,
    by_act: Mapping[str, list[LoggedAct]],
    upgraded: datetime,
) -> bool:
    by = written.by(record.key if record.kind == "shift" else record.key[:64], message)
    if by is not None:
        return by is not False and by.kind in ACTS_OF[record.kind]
    return _has_act(record, by_act, upgraded)


def _missing_records(
    records: Mapping[str, RegistryRecord], by_act: Mapping[str, list[LoggedAct]], before: datetime
) -> set[str]:
    """Return records that acts registered and that are missing."""
    there = {key[:64] for key in records}
    entered = (act for kind, some in by_act.items() if kind.startswith("registry_") for act in some)
    return {act.about for act in entered if act.effect and act.at < before} - there


def _has_act(record: RegistryRecord, by_act: Mapping[str, list[LoggedAct]], upgraded: datetime) -> bool:
    """Return whether an act of before the upgrade, which held no hash, is about this record and near its last
    change; for a shift, by or about its officer.
    """
    names = {record.key[:64], record.id[:64], record.key.removeprefix("hotlist_")[:64]}
    if record.kind == "shift":
        names |= {record.user, f"user/{record.user}"}
    changed = _changed(record)
    before = (act for kind in ACTS_OF[record.kind] for act in by_act[kind])
    for act in (act for act in before if not act.effect and act.at < upgraded):
        mine = act.about in names or act.about.partition(":")[0] == record.id
        if (mine or (record.kind == "shift" and act.who == record.user)) and act.is_near(changed):
            return True
    return False


def _changed(record: RegistryRecord | None) -> datetime:
    return EPOCH if record is None or record.changed_at is None else record.changed_at


def _ids(live: CheckData, keys: list[str]) -> str:
    """Return ids; those of people only where the caller may see them."""
    people = [key for key in keys if key.startswith(("user/", "shift/"))]
    rest = [key for key in keys if key not in people]
    if live.names or not people:
        return first_few(keys)
    return "; ".join([*([first_few(rest)] if rest else []), f"{pluralize(len(people), 'record')} of people"])
