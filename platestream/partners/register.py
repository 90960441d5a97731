"""Addresses and keys of partners in the registry, maintained by the ALPR administrator, and this agency's own
keys, in a file for its owner only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from platestream.access import registry, signing_keys
from platestream.access.door import Door
from platestream.access.signing_keys import OwnKey, OwnKeys, WrongKey
from platestream.partners import addresses
from platestream.partners.config import read_config
from platestream.partners.transport import Partner
from platestream.schemas.loopback import is_loopback
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import InvalidAddress, base_address
from platestream.schemas.registry import RegistryRecord
from platestream.settings import ACCOUNTS, Settings

FILE = "partner-keys.json"
spoken = signing_keys.grouped


@dataclass(frozen=True)
class PartnerView:
    """A partner to show to people; `objection` says why it cannot be asked now, and is empty where it can."""

    record: RegistryRecord
    fingerprints: tuple[str, ...]
    objection: str


def own_key_store(settings: Settings) -> OwnKeys:
    """Return this agency's own keys, in the data folder."""
    return OwnKeys(settings.data / ACCOUNTS / FILE)


def own_agency(records: Iterable[RegistryRecord]) -> RegistryRecord | None:
    """Return this agency's record in the registry."""
    return next((one for one in records if one.kind == "agency" and one.own and one.active), None)


def public_keys(record: RegistryRecord) -> dict[str, Ed25519PublicKey]:
    """Return a partner's keys by their fingerprints."""
    found = map(signing_keys.read_public, record.keys)
    return {signing_keys.fingerprint(one): one for one in found}


def objection(record: RegistryRecord, now: datetime) -> str:
    """Return why an agency cannot be asked; empty where it can."""
    if not record.active or record.own:
        return "it is no other agency that is registered and active"
    if not record.mou_at(now):
        return "no MOU with it is in force (order, section F.6)"
    if not record.address or not record.keys:
        return "its address or its key is not registered: platestream partners set"
    return ""


def askable_partners(records: Iterable[RegistryRecord], now: datetime) -> list[Partner]:
    """Return the partners that can be asked, by name."""
    found = (one for one in records if one.kind == "agency" and not objection(one, now))
    return [Partner(one.id, one.address, public_keys(one)) for one in sorted(found, key=lambda one: one.id)]


def put_partner(
    door: Door,
    name: str,
    now: datetime,
    *,
    address: str | None = None,
    add: Sequence[str] = (),
    end: Sequence[str] = (),
) -> RegistryRecord:
    """Set the address of a registered agency, add public keys (lines or PEMs), or remove keys by the
    beginning of their fingerprints; each change is logged. Raises RefusedError, which is logged, and
    RefusedInquiry.
    """
    with door.log_refusal("registry_agency", f"agency/{name}"[:64]):
        known = registry.records_of(door.streams, "agency")
        record = known.get(name)
        if record is None or record.own:
            raise RefusedError("partners", f"{name} is no other agency that is registered")
        changed = msgspec.structs.replace(
            record,
            address=record.address if address is None else _address(door.settings, address),
            keys=_keys(record, known, add, end),
        )
    return registry.put(door, changed, now)


def list_partners(door: Door, now: datetime) -> list[PartnerView]:
    """List all other agencies. Raises RefusedInquiry."""
    found = [one for one in registry.show(door, "agency") if not one.own]
    return [PartnerView(one, tuple(public_keys(one)), objection(one, now)) for one in found]


def own_keys(door: Door) -> tuple[str, list[OwnKey]]:
    """Return the short name of this agency, and its keys, the oldest first. Raises RefusedInquiry."""
    door.enter("registry_show", "partner key")
    own = own_agency(registry.records(door.streams))
    return own.id if own else "", own_key_store(door.settings).all()


def make_key(door: Door, now: datetime) -> OwnKey:
    """Make a new key of this agency: the first signs at once, a second waits for `use_key`. Raises
    RefusedError, which is logged, where there are two, and RefusedInquiry.
    """
    file = own_key_store(door.settings)
    with door.log_refusal("partner_key", "key"):
        if len(file.all()) >= signing_keys.MOST:
            raise RefusedError("partners", "there are two keys: end the old one first")
    return file.make(now, lambda made: _enter_key(door, made, "a new key of this agency"))


def use_key(door: Door, begin: str) -> OwnKey:
    """Sign with another key from now on, named by the beginning of its fingerprint. Raises as `make_key`."""
    return _change_key(door, begin, "signs from now on", may_sign=True)


def end_key(door: Door, begin: str) -> OwnKey:
    """Remove a key that does not sign. Raises as `make_key`."""
    return _change_key(door, begin, "has ended", may_sign=False)


def _change_key(door: Door, begin: str, change: str, *, may_sign: bool) -> OwnKey:
    file = own_key_store(door.settings)
    with door.log_refusal("partner_key", "key"):
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
    """Normalize an address; an empty one removes it. Raises RefusedError."""
    if not text.strip():
        return ""
    try:
        found = base_address(text)
        host = found.partition("://")[2].rsplit(":", 1)[0].strip("[]")
        here = read_config(settings).here
        if is_loopback(host) and not here:
            raise addresses.ForbiddenAddress("its address is this machine itself")
        addresses.check_host(host, here=here)
    except (InvalidAddress, addresses.ForbiddenAddress) as error:
        raise RefusedError("partners", str(error)) from None
    return found


def _keys(
    record: RegistryRecord, known: Mapping[str, RegistryRecord], add: Sequence[str], end: Sequence[str]
) -> tuple[str, ...]:
    have = {which: signing_keys.public_text(key) for which, key in public_keys(record).items()}
    for begin in end:
        if not (gone := [which for which in have if _begins(which, begin)]):
            raise RefusedError(
                "partners", f"{record.id} has no key whose fingerprint begins with {begin[:64]}"
            )
        del have[gone[0]]
    for text in add:
        try:
            key = signing_keys.read_public(text)
        except WrongKey as error:
            raise RefusedError("partners", str(error)) from None
        which = signing_keys.fingerprint(key)
        for other in known.values():
            if other.id != record.id and which in public_keys(other):
                raise RefusedError("partners", f"this is the key of {other.id}")
        have[which] = signing_keys.public_text(key)
    if len(have) > signing_keys.MOST:
        raise RefusedError("partners", f"{record.id} has two keys: end the old one first")
    return tuple(have.values())


def _begins(which: str, begin: str) -> bool:
    prefix = begin.replace(" ", "").lower()
    return len(prefix) >= 8 and which.startswith(prefix)
