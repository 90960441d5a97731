"""The console's data folder against the inquiry log: hashes of passwords, codes and tokens (E.1.e), the own
keys by which partners know this agency, and offers to partners (F.6).

Each was stored by an act that holds its SHA-256, and what is there now is that of the newest act about it. So
what was put into a file by hand is found, and a file of before that was put back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from connectors.partners.lists import Offered
from connectors.settings import Settings
from schemas.tables import EPOCH
from services import accounts, tokens
from services.effects import effect_of_stored
from services.partners import register
from services.partners.offering import effect_of_offer, lists
from services.policy.checks.acts import OnRecord, acts
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless

KINDS = ("account_code", "account_redeem", "account_change", "registry_account", "partner_key")
OFFER = "hotlist_offer"
_HERE = "platestream policy check with PLATESTREAM_DATA of the console, by the account that owns it"


@dataclass(frozen=True)
class Stored:
    """A hash or key of a file: `about` is what its acts are about, `effect` what the newest of them holds.

    `by` alone may have done that act; empty is anybody. Acts of releases before acts held hashes are about
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
    """Acts about what is stored: the newest of each, and the newest code of each person."""

    upgraded: datetime
    newest: dict[str, OnRecord] = field(default_factory=dict)
    codes: dict[str, datetime] = field(default_factory=dict)
    offers: set[str] = field(default_factory=set)
    early: set[str] = field(default_factory=set)

    def add(self, act: OnRecord) -> None:
        if act.at < self.upgraded:
            self.early.add(act.about)
        if act.kind == OFFER:
            self.offers.add(act.effect)
        else:
            self.newest[act.about] = act
        if act.kind == "account_code":
            self.codes[act.about] = act.at

    def wrote(self, one: Stored) -> bool | None:
        """Return whether an act stored exactly this; None where that was before acts held hashes."""
        act = self.newest.get(one.about)
        code = self.codes.get(_user(one.person), EPOCH) if one.ends_with_code else EPOCH
        if act is None or act.at < self.upgraded:
            unknown = code < self.upgraded and not self.early.isdisjoint((one.about, one.before))
            return None if unknown else False
        return act.effect == one.effect and one.by in ("", act.who) and code < act.at

    def offered(self, one: Offered) -> bool | None:
        """As `wrote`, of an offer that stands."""
        if effect_of_offer(one, stands=False) in self.offers:
            return False
        made = effect_of_offer(one, stands=True) in self.offers
        return made or (None if one.entry.entry_id[:64] in self.early else False)


def sign_ins(live: Live) -> Answer:
    """Every password, code, token, own key and offer that stands was stored by an act on record."""
    if live.settings is None:
        return answer("", Gap("the console's data folder is not named here", _HERE))
    stored = list(_stored(live.settings))
    with lists(live.settings).reading() as kept:
        offers = [one for one in kept.offered.all() if one.stands]
    log = _Log(live.upgraded)
    for act in acts(live, (*KINDS, OFFER)):
        log.add(act)
    said = [(f"{one.what} of {one.person}" if live.names else one.what, log.wrote(one)) for one in stored]
    said += [(f"offer of {one.entry.entry_id} to {one.agency}", log.offered(one)) for one in offers]
    bare = [what for what, written in said if written is False]
    old = [what for what, written in said if written is None]
    return answer(
        f"{len(said)} passwords, codes, tokens, keys and offers",
        f"not stored by an act on record, or stored again after it ended: {named(bare)}" if bare else "",
        unless(
            not old,
            f"of before acts held hashes: {named(old)}",
            "platestream account set, token make, partners make-key or hotlist offer for each of them again",
        ),
        unless(said, "no password, code, token, key or offer is here", _HERE),
    )


def _stored(settings: Settings) -> Iterator[Stored]:
    for who, hashed in accounts.passwords(settings).all().items():
        yield Stored("a password", who, _user(who), effect_of_stored(who, hashed), by=who)
    for who, code in accounts.enrollments(settings).codes().items():
        yield Stored("a code", who, _user(who), effect_of_stored(who, code), by=code.made_by)
    for token in tokens.kept(settings).all():
        by = token.who if token.hashed else ""
        effect, user = effect_of_stored(token.who, token), _user(token.who)
        yield Stored(f"token {token.id}", token.who, f"token/{token.id}", effect, by, user, True)
    for key in register.kept(settings).all():
        which = key.fingerprint
        yield Stored(f"key {which[:8]}", "this agency", which, which, before="key")


def _user(who: str) -> str:
    return f"user/{who}"[:64]
