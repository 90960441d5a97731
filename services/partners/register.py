"""Where partners are and by which keys they are known: in the registry, put there by the ALPR administrator;
and this agency's own keys, in a file for its owner alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.partners import keys, places
from connectors.partners.client import Partner
from connectors.partners.keys import OwnKey, OwnKeys, WrongKey
from connectors.settings import ACCOUNTS, Settings
from schemas.message import RefusedError
from schemas.partner import WrongAddress, base_address, is_here
from schemas.registry import RegistryRecord
from services import registry
from services.door import Door
from services.partners.configured import configured

FILE = "partner-keys.json"
spoken = keys.spoken


@dataclass(frozen=True)
class Listed:
    """A partner as people are shown it; `why_not` says why it cannot be asked now, empty where it can."""

    record: RegistryRecord
    fingerprints: tuple[str, ...]
    why_not: str


def kept(settings: Settings) -> OwnKeys:
    """This agency's own keys, of the data folder."""
    return OwnKeys(settings.data / ACCOUNTS / FILE)


def own_agency(records: Iterable[RegistryRecord]) -> RegistryRecord | None:
    """This agency, as the registry has it."""
    return next((one for one in records if one.kind == "agency" and one.own and one.active), None)


def public_keys(record: RegistryRecord) -> dict[str, Ed25519PublicKey]:
    """A partner's keys by their fingerprints."""
    found = map(keys.read_public, record.keys)
    return {keys.fingerprint(one): one for one in found}


def why_not(record: RegistryRecord, now: datetime) -> str:
    """Why an agency cannot be asked; empty where it can."""
    if not record.active or record.own:
        return "it is no other agency that is registered and active"
    if not record.mou_at(now):
        return "no MOU with it is in force (order, section F.6)"
    if not record.address or not record.keys:
        return "its address or its key is not registered: platestream partners set"
    return ""


def in_force(records: Iterable[RegistryRecord], now: datetime) -> list[Partner]:
    """The partners that can be asked, by name."""
    found = (one for one in records if one.kind == "agency" and not why_not(one, now))
    return [Partner(one.id, one.address, public_keys(one)) for one in sorted(found, key=lambda one: one.id)]


def put(
    door: Door,
    name: str,
    now: datetime,
    *,
    address: str | None = None,
    add: Sequence[str] = (),
    end: Sequence[str] = (),
) -> RegistryRecord:
    """Set where a registered agency is, give it public keys (lines or PEMs), or take some away by the begin
    of their fingerprints; each is a change on record. Raises RefusedError, which is on record, and
    RefusedInquiry.
    """
    with door.on_record("registry_agency", f"agency/{name}"[:64]):
        known = registry.listed(door.streams, "agency")
        record = known.get(name)
        if record is None or record.own:
            raise RefusedError("partners", f"{name} is no other agency that is registered")
        changed = msgspec.structs.replace(
            record,
            address=record.address if address is None else _address(door.settings, address),
            keys=_keys(record, known, add, end),
        )
    return registry.put(door, changed, now)


def listed(door: Door, now: datetime) -> list[Listed]:
    """All other agencies. Raises RefusedInquiry."""
    found = [one for one in registry.show(door, "agency") if not one.own]
    return [Listed(one, tuple(public_keys(one)), why_not(one, now)) for one in found]


def own_keys(door: Door) -> tuple[str, list[OwnKey]]:
    """The short name of this agency, and its keys, the oldest first. Raises RefusedInquiry."""
    door.enter("registry_show", "partner key")
    own = own_agency(registry.records(door.streams))
    return own.id if own else "", kept(door.settings).all()


def make_key(door: Door, now: datetime) -> OwnKey:
    """A new key of this agency: the first signs at once, a second waits for `use_key`. Raises RefusedError
    where there are two, which is on record, and RefusedInquiry.
    """
    file = kept(door.settings)
    with door.on_record("partner_key", "key"):
        if len(file.all()) >= keys.MOST:
            raise RefusedError("partners", "there are two keys: end the old one first")
    return file.make(now, lambda made: _enter_key(door, made, "a new key of this agency"))


def use_key(door: Door, begin: str) -> OwnKey:
    """From now on this key signs; named by the begin of its fingerprint. Raises as `make_key`."""
    return _change_key(door, begin, "signs from now on", may_sign=True)


def end_key(door: Door, begin: str) -> OwnKey:
    """Take a key away that does not sign. Raises as `make_key`."""
    return _change_key(door, begin, "has ended", may_sign=False)


def _change_key(door: Door, begin: str, change: str, *, may_sign: bool) -> OwnKey:
    file = kept(door.settings)
    with door.on_record("partner_key", "key"):
        found = next((one for one in file.all() if _begins(one.fingerprint, begin)), None)
        if found is None:
            raise RefusedError("partners", "this agency has no key whose fingerprint begins so")
        if found.signs and not may_sign:
            raise RefusedError("partners", "this key signs: let another one sign before you end it")
    _enter_key(door, found, f"key {found.fingerprint} {change}", stays=may_sign)
    if may_sign:
        file.use(found.fingerprint)
    else:
        file.end(found.fingerprint)
    return found


def _enter_key(door: Door, key: OwnKey, change: str, *, stays: bool = True) -> None:
    which = key.fingerprint
    door.enter("partner_key", which, change=change, effect=which if stays else "")


def _address(settings: Settings, text: str) -> str:
    """In its one form; empty takes it away."""
    if not text.strip():
        return ""
    try:
        found = base_address(text)
        host = found.partition("://")[2].rsplit(":", 1)[0].strip("[]")
        here = configured(settings).here
        if is_here(host) and not here:
            raise places.WrongPlace("its address is this machine itself")
        places.judge_text(host, here=here)
    except (WrongAddress, places.WrongPlace) as error:
        raise RefusedError("partners", str(error)) from None
    return found


def _keys(
    record: RegistryRecord, known: Mapping[str, RegistryRecord], add: Sequence[str], end: Sequence[str]
) -> tuple[str, ...]:
    have = {which: keys.public_text(key) for which, key in public_keys(record).items()}
    for begin in end:
        if not (gone := [which for which in have if _begins(which, begin)]):
            raise RefusedError(
                "partners", f"{record.id} has no key whose fingerprint begins with {begin[:64]}"
            )
        del have[gone[0]]
    for text in add:
        try:
            key = keys.read_public(text)
        except WrongKey as error:
            raise RefusedError("partners", str(error)) from None
        which = keys.fingerprint(key)
        for other in known.values():
            if other.id != record.id and which in public_keys(other):
                raise RefusedError("partners", f"this is the key of {other.id}")
        have[which] = keys.public_text(key)
    if len(have) > keys.MOST:
        raise RefusedError("partners", f"{record.id} has two keys: end the old one first")
    return tuple(have.values())


def _begins(which: str, begin: str) -> bool:
    told = begin.replace(" ", "").lower()
    return len(told) >= 8 and which.startswith(told)
