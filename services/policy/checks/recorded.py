"""Registry and rules against the inquiry log: every record there was made by an act (E.1.a, E.1.c, E.1.e).

The registry is compared on its topic and in the table that the gate reads: the newest record of each id is
the one whose SHA-256 the newest act about it holds. What came before it is in the log alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from schemas.counted import counted
from schemas.message import Message
from schemas.registry import RegistryRecord
from schemas.tables import EPOCH
from services.policy.checks.acts import NEAR, OnRecord, Written, acts
from services.policy.checks.live import BEHIND, Answer, Live, answer, named, unless

ACTS_OF: Mapping[str, tuple[str, ...]] = {
    "agency": ("registry_agency",),
    "user": ("registry_user", "registry_recover"),
    "camera": ("registry_camera",),
    "detail": ("registry_detail",),
    "incident": ("registry_incident",),
    "place": ("registry_place",),
    "roster": ("registry_roster",),
    "material": ("registry_material",),
    # An import notes in its source's record when the list was last whole.
    "hotlist_source": ("registry_source", "hotlist_import", "hotlist_force", "hotlist"),
    "hotlist_category": ("registry_category",),
    "shift": ("shift_login", "shift_logout"),
}
IMPORTS = ("hotlist_import", "hotlist_force")
_TABLE = "SELECT kind, id, changed_at FROM platestream.registry FINAL"
# A row that `platestream migrate` completed is of a release whose acts held no hash.
_RULES = """
SELECT set_at, set_by, adopted_at > toDateTime(0, 'UTC') AS adopted,
    if(rules = '' OR adopted, '', lower(hex(SHA256(rules))))
FROM platestream.gate_rules ORDER BY set_at
"""
SECOND = timedelta(seconds=1)
MIGRATION = "migration"  # the rules that a new database begins with


def recorded(live: Live) -> Answer:
    """Every record of the registry was made by an act on record."""
    records, unread = live.registry
    table = {f"{kind}/{name}": changed for kind, name, changed in live.rows(_TABLE)}
    by_act: dict[str, list[OnRecord]] = defaultdict(list)
    for act in acts(live, {kind for kinds in ACTS_OF.values() for kind in kinds}):
        by_act[act.kind].append(act)
    written = Written(_by_key(by_act), [act for kind in IMPORTS for act in by_act[kind]])
    bare = [
        key
        for key, one in sorted(records.items())
        if not _is_written(one, live.registry_messages[key.encode()], written, by_act, live.upgraded)
    ]
    undone = sorted(_undone(records, by_act, live.now - NEAR))
    newer = [key for key, at in sorted(table.items()) if at > _changed(records.get(key)) + SECOND]
    late = [
        key
        for key, one in sorted(records.items())
        if table.get(key, EPOCH) < _changed(one) - SECOND and _changed(one) < live.now - BEHIND
    ]
    kinds = Counter(one.kind for one in records.values())
    return answer(
        ", ".join(counted(count, kind.replace("_", " ")) for kind, count in sorted(kinds.items())),
        f"without an act on record: {_ids(live, bare)}" if bare else "",
        f"an act on record and no record: {_ids(live, undone)}" if undone else "",
        f"in the gate's table and not on the topic: {_ids(live, newer)}" if newer else "",
        f"on the topic and not in the gate's table: {_ids(live, late)}" if late else "",
        f"not a valid record: {_ids(live, unread)}" if unread else "",
        unless(
            records or table,
            "the registry is empty",
            "platestream registry agency and platestream registry user",
        ),
    )


def ruled(live: Live) -> Answer:
    """Every change of the rules was an act on record, by the person who set them, that holds their hash."""
    rows = live.rows(_RULES)
    # Only the first row is without an act; only rows of before the upgrade were completed by `migrate`.
    forged = [at for at, by, old, _hash in rows[1:] if by == MIGRATION or (old and at >= live.upgraded)]
    set_ = [(at, by, digest) for at, by, _old, digest in rows if by != MIGRATION]
    left = acts(live, ("rules",))
    newest = max((act for act in left if act.effect), key=lambda one: one.at, default=None)
    bare, others = [], []
    for at, by, digest in set_:  # one act changes the rules once
        near = [act for act in left if act.is_near(at) and act.who == by]
        act = next((one for one in near if one.effect == digest), near[0] if near else None)
        if act is None:
            bare.append((at, by))
        else:
            left.remove(act)
            others += [at] if digest and act.effect != digest else []
    days = _minutes(at for at, _by in bare)
    said = f"set without an act on record: {days}, in the name of {live.people(by for _at, by in bare)}"
    gone = (
        newest is not None and newest.at < live.now - NEAR and newest.effect not in {one[3] for one in rows}
    )
    return answer(
        f"{counted(len(set_), 'change')} of the rules",
        said if bare else "",
        f"no act holds the hash of the rules that were set: {_minutes(others)}" if others else "",
        f"set as if by the first set-up: {_minutes(forged)}" if forged else "",
        f"the rules of the newest act are not there: {_minutes([newest.at])}" if newest and gone else "",
        unless(
            set_, "the rules are those that the database began with", "platestream registry rules --profile"
        ),
    )


def _minutes(times: Iterable[datetime]) -> str:
    return named(f"{at:%Y-%m-%d %H:%M}" for at in times)


def _by_key(by_act: Mapping[str, list[OnRecord]]) -> Iterator[tuple[str, OnRecord]]:
    """Acts by the key of the record that each wrote; that of a shift begins what its act says."""
    every = (act for kind, some in by_act.items() if kind not in IMPORTS for act in some)
    for act in sorted(every, key=lambda one: one.at):
        is_shift = act.kind in ACTS_OF["shift"]
        yield (act.said.partition("Z: ")[0] + "Z" if is_shift else act.about), act


def _is_written(
    record: RegistryRecord,
    message: Message,
    written: Written,
    by_act: Mapping[str, list[OnRecord]],
    upgraded: datetime,
) -> bool:
    by = written.by(record.key if record.kind == "shift" else record.key[:64], message)
    if by is not None:
        return by is not False and by.kind in ACTS_OF[record.kind]
    return _has_act(record, by_act, upgraded)


def _undone(
    records: Mapping[str, RegistryRecord], by_act: Mapping[str, list[OnRecord]], before: datetime
) -> set[str]:
    """What acts say was registered, and is not there at all."""
    there = {key[:64] for key in records}
    entered = (act for kind, some in by_act.items() if kind.startswith("registry_") for act in some)
    return {act.about for act in entered if act.effect and act.at < before} - there


def _has_act(record: RegistryRecord, by_act: Mapping[str, list[OnRecord]], upgraded: datetime) -> bool:
    """Return whether an act of before the upgrade, which held no hash, is about this record and near its last
    change; of a shift, by or about its officer.
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


def _ids(live: Live, keys: list[str]) -> str:
    """Ids as they are; people's only for whoever may see them."""
    people = [key for key in keys if key.startswith(("user/", "shift/"))]
    rest = [key for key in keys if key not in people]
    if live.names or not people:
        return named(keys)
    return "; ".join([*([named(rest)] if rest else []), f"{counted(len(people), 'record')} of people"])
