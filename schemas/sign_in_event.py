"""Events of signing in: the `change` of the act `account_sign_in`, as JSON.

No event holds a secret, or what somebody typed who is not known here: it may be a password.
"""

from typing import Literal

import msgspec

from platestream.schemas.fields import Instant

ACT = "account_sign_in"
UNKNOWN = "unknown"
"""Person of a sign-in under a name that nobody has here."""
Kind = Literal["signed_in", "confirmed", "refused", "ended", "forgotten", "started", "terminal"]
KINDS: dict[Kind, str] = {
    "signed_in": "signed in",
    "confirmed": "second factor given for an act",
    "refused": "sign-in refused",
    "ended": "session ended",
    "forgotten": "browser forgotten",
    "started": "console started, without sessions",
    "terminal": "command line signed in",
}
BROWSER = 16
"""Hex digits of a browser's id that an event holds."""

EVERY_BROWSER = "every"
"""Instead of one: all known browsers of a person."""


class SignInEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event at `at`, by the console's clock; `who` is empty for a name that nobody has here.

    `way` is the first step (password, passkey, provider, link, code, token) and `factor` the second.
    `browser` is the begin of a known browser's id, empty for another one, or EVERY_BROWSER. `session` names
    the session and is not its token. `by` is the person who ended it, and `why` the reason. `times` counts
    refusals that are recorded together.
    """

    kind: Kind
    at: Instant
    who: str = ""
    way: str = ""
    factor: str = ""
    browser: str = ""
    address: str = ""
    session: str = ""
    by: str = ""
    why: str = ""
    times: int = 1

    @property
    def about(self) -> str:
        """The subject of the act."""
        return subject(self.who)

    @property
    def text(self) -> str:
        """The event as stored."""
        return msgspec.json.encode(self).decode()

    @property
    def details(self) -> str:
        """The event in words, without kind, person and time."""
        parts = (
            " and ".join(one for one in (self.way, self.factor) if one),
            self.why,
            f"by {self.by}" if self.by else "",
            f"{self.times} times" if self.times > 1 else "",
            f"from {self.address}" if self.address else "",
            f"browser {self.browser}" if self.browser else "",
            f"session {self.session}" if self.session else "",
        )
        return ", ".join(one for one in parts if one)


def subject(who: str) -> str:
    """Return the subject of acts about a person's sign-ins."""
    return f"user/{who}"[:64] if who else UNKNOWN


def read(text: str) -> SignInEvent | None:
    """Return the event of a stored text; None for any other text."""
    try:
        return msgspec.json.decode(text, type=SignInEvent)
    except msgspec.DecodeError:
        return None
