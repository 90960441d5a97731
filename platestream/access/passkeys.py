"""Passkeys (WebAuthn): keys on the devices of a person, which unlock them by finger, face or PIN.

A passkey is bound to the console's address by the browser, so that no other site gets an answer of it, and
counts as two factors. Only its person adds or removes it, by acts in the inquiry log.
"""

from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from platestream.access.door import Door
from platestream.access.effects import effect_of_stored
from platestream.access.enrollments import Event, enrollments
from platestream.access.factor_file import FactorError
from platestream.access.passkey_file import Passkey, passkeys
from platestream.schemas.message import RefusedError
from platestream.settings import Settings

ACT = "account_passkey"
VERIFIED = UserVerificationRequirement.REQUIRED


class Place(NamedTuple):
    """The address of the console in the browser: its origin, and its host, to which passkeys are bound."""

    origin: str
    host: str


def ask_for_new(settings: Settings, who: str, challenge: bytes, place: Place) -> str:
    """Return the options by which a browser makes a passkey of `who`, as JSON."""
    known = [base64url_to_bytes(one.passkey.id) for one in passkeys(settings).of(who)]
    return options_to_json(
        generate_registration_options(
            rp_id=place.host,
            rp_name="Platestream",
            user_id=sha256(f"platestream {who}".encode()).digest(),
            user_name=who,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in known],
        )
    )


def ask_for_use(challenge: bytes, place: Place) -> str:
    """Return the options by which a browser uses a passkey, as JSON. They name nobody."""
    return options_to_json(
        generate_authentication_options(rp_id=place.host, challenge=challenge, user_verification=VERIFIED)
    )


def add(
    door: Door, credential: str, challenge: bytes, place: Place, name: str, now: datetime, where: str
) -> Passkey:
    """Add the passkey that a browser made for the person of `door`; return it.

    Raises FactorError for an answer that does not hold, ValueError for a name that is empty or too long, and
    RefusedInquiry.
    """
    if not 0 < len(name) <= 40 or not name.isprintable():
        raise ValueError("the name of a passkey has 1 to 40 characters that can be printed")
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except Exception as error:  # whatever a stranger sends
        raise FactorError(f"the answer does not hold: {type(error).__name__}") from None
    key = Passkey(
        bytes_to_base64url(made.credential_id),
        bytes_to_base64url(made.credential_public_key),
        place.host,
        name,
        now,
    )
    change = f"a passkey for {place.host}, added {where}"
    effect = effect_of_stored(key.about, key)
    passkeys(door.settings).add(
        door.who, key, made.sign_count, lambda: door.enter(ACT, key.about, change=change, effect=effect)
    )
    enrollments(door.settings).note(door.who, Event(now, "factor", door.who, where))
    return key


def use(
    settings: Settings, credential: str, challenge: bytes, place: Place, now: datetime
) -> tuple[str, Passkey]:
    """Return the person of the passkey that a browser used, and the passkey.

    Raises FactorError for an unknown passkey, for an answer that does not hold, such as one for another
    challenge or site or without the person's finger, face or PIN, and for a counter that did not go forward,
    as that of a copied device.
    """
    stored = passkeys(settings)
    try:
        answer = parse_authentication_credential_json(credential)
        found = stored.find(bytes_to_base64url(answer.raw_id))
        if found is None or found[1].passkey.host != place.host:
            raise FactorError("no such passkey")
        who, known = found
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(known.passkey.public_key),
            credential_current_sign_count=known.count,
            require_user_verification=True,
        )
    except FactorError:
        raise
    except Exception as error:  # whatever a stranger sends
        raise FactorError(f"the answer does not hold: {type(error).__name__}") from None
    if not stored.use(who, known.passkey.id, known.count, verified.new_sign_count, now):
        raise FactorError("the passkey was removed, or used in the meantime")
    return who, known.passkey


def remove(door: Door, ident: str, now: datetime, where: str) -> None:
    """Remove a passkey of the person of `door`. Raises RefusedError if there is none, and
    RefusedInquiry."""
    stored = passkeys(door.settings)
    key = next((one.passkey for one in stored.of(door.who) if one.passkey.id == ident), None)
    if key is None:
        raise RefusedError("account", "there is no such passkey")
    door.enter(ACT, key.about, change=f"no passkey any more, removed {where}")
    stored.end(door.who, ident)
    enrollments(door.settings).note(door.who, Event(now, "factor", door.who, where))
