"""Comparison of the console's data folder with the inquiry log: hashes of passwords, codes, second factors
and tokens (E.1.e), our own keys for partners, and offers to partners (F.6).

Each was stored by an act that holds its SHA-256, and the current one must be that of the newest act about it.
Entries that were put into a file by hand are found, and so is an old file that was put back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from platestream.access import accounts, passkey_file, second_factor, tokens
from platestream.access.effects import effect_of_stored
from platestream.partners import register
from platestream.partners.list_store import OutgoingOffer
from platestream.partners.offers import effect_of_offer, lists
from platestream.policy.checks.acts import LoggedAct, logged_acts
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, first_few, gap_unless
from platestream.schemas.tables import EPOCH
from platestream.settings import Settings

KINDS = (
    "account_code",
    "account_redeem",
    "account_change",
    "account_factor",
    "account_passkey",
    "account_terminal",
    "account_terminal_end",
    "registry_account",
    "partner_key",
)
OFFER = "hotlist_offer"
_HERE = "platestream policy check with PLATESTREAM_DATA of the console, by the account that owns it"


@dataclass(frozen=True)
class StoredItem:
    """A hash or key of a file. `about` is the subject of its acts, and `effect` must be that of the newest
    one.

    Only `by` may have done that act; empty allows anybody. Acts of releases without hashes are about
    `before`.
    """

    what: str
    person: str
    about: str
    effect: str
    by: str = ""
    before: str = ""
    ends_with_code: bool = False


@dataclass
class _Log:
    """Acts about stored items: the newest of each, and the newest code of each person."""

    upgraded: datetime
    newest: dict[str, LoggedAct] = field(default_factory=dict)
    codes: dict[str, datetime] = field(default_factory=dict)
    offers: set[str] = field(default_factory=set)
    early: set[str] = field(default_factory=set)

    def add(self, act: LoggedAct) -> None:
        if act.at < self.upgraded:
            self.early.add(act.about)
        if act.kind == OFFER:
            self.offers.add(act.effect)
        else:
            self.newest[act.about] = act
        if act.kind == "account_code":
            self.codes[act.about] = act.at

    def wrote(self, one: StoredItem) -> bool | None:
        """Return whether an act stored exactly this; None where that was before acts held hashes."""
        act = self.newest.get(one.about)
        code = self.codes.get(_user(one.person), EPOCH) if one.ends_with_code else EPOCH
        if act is None or act.at < self.upgraded:
            unknown = code < self.upgraded and not self.early.isdisjoint((one.about, one.before))
            return None if unknown else False
        return act.effect == one.effect and one.by in ("", act.who) and code < act.at

    def offered(self, one: OutgoingOffer) -> bool | None:
        """Return the same as `wrote`, for a current offer."""
        if effect_of_offer(one, stands=False) in self.offers:
            return False
        made = effect_of_offer(one, stands=True) in self.offers
        return made or (None if one.entry.entry_id[:64] in self.early else False)


def sign_ins(live: CheckData) -> Answer:
    """Check that passwords, codes, tokens, own keys and offers to partners were stored by logged acts."""
    if live.settings is None:
        return Answer.of("", Unchecked("the console's data folder is not named here", _HERE))
    stored = list(_stored(live.settings))
    with lists(live.settings).reading() as offer_lists:
        offers = [one for one in offer_lists.offered.all() if one.stands]
    log = _Log(live.upgraded)
    for act in logged_acts(live, (*KINDS, OFFER)):
        log.add(act)
    written_by = [
        (f"{one.what} of {one.person}" if live.names else one.what, log.wrote(one)) for one in stored
    ]
    written_by += [(f"offer of {one.entry.entry_id} to {one.agency}", log.offered(one)) for one in offers]
    bare = [what for what, written in written_by if written is False]
    old = [what for what, written in written_by if written is None]
    return Answer.of(
        f"{len(written_by)} passwords, codes, tokens, keys and offers",
        fault_of("not stored by an act on record, or stored again after it ended", bare),
        gap_unless(
            not old,
            f"of before acts held hashes: {first_few(old)}",
            "platestream account set, token make, partners make-key or hotlist offer for each of them again",
        ),
        gap_unless(written_by, "no password, code, token, key or offer is here", _HERE),
    )


def _stored(settings: Settings) -> Iterator[StoredItem]:
    for who, hashed in accounts.passwords(settings).all().items():
        yield StoredItem("a password", who, _user(who), effect_of_stored(who, hashed), by=who)
    for who, code in accounts.enrollments(settings).codes().items():
        yield StoredItem("a code", who, _user(who), effect_of_stored(who, code), by=code.made_by)
    for who, found in second_factor.factors(settings).all().items():
        subject = second_factor.about(who)
        effect = effect_of_stored(subject, found.factor)
        yield StoredItem("a second factor", who, subject, effect, by=who)
    for who, found in second_factor.passkey_codes(settings).all().items():
        subject = second_factor.about_codes(who)
        effect = effect_of_stored(subject, found.factor)
        yield StoredItem("recovery codes", who, subject, effect, by=who)
    for who, keys in passkey_file.passkeys(settings).all().items():
        for passkey in (one.passkey for one in keys):
            effect = effect_of_stored(passkey.about, passkey)
            yield StoredItem("a passkey", who, passkey.about, effect, by=who)
    for token in tokens.stored_tokens(settings).all():
        by = token.who if token.hashed else ""
        effect, user = effect_of_stored(token.who, token), _user(token.who)
        yield StoredItem(f"token {token.id}", token.who, f"token/{token.id}", effect, by, user, True)
    for key in register.own_key_store(settings).all():
        which = key.fingerprint
        yield StoredItem(f"key {which[:8]}", "this agency", which, which, before="key")


def _user(who: str) -> str:
    return f"user/{who}"[:64]
