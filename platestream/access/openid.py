"""The OpenID provider by which people sign in to the console: a TOML file, read once at start.

A provider proves who a person is, as a password does (`platestream.access.accounts`); the registry says what
they may do.
"""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from platestream.access.rules_reader import text_of
from platestream.runtime.private_file import open_to_others
from platestream.schemas.loopback import is_loopback
from platestream.schemas.message import RefusedError
from platestream.schemas.toml import read_toml
from platestream.settings import Settings

Text = Annotated[str, Meta(min_length=1, max_length=300)]


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of the provider. `name` is shown on the sign-in page, and `claim` holds the person's
    name in the registry. With `group_claim` only people may sign in whose claim of that name is, or lists,
    `group`.

    A sign-in has two factors if the claim `amr` of the signed token lists one of `multi_factor_amr`, or its
    claim `acr` is one of `multi_factor_acr`, which are then asked for. Any other needs the console's own
    second factor where the rules require one.
    """

    issuer: Text
    client_id: Text
    client_secret_file: Path
    name: Annotated[str, Meta(min_length=1, max_length=40)]
    claim: Text = "preferred_username"
    scope: Text = "openid profile"
    group_claim: str = ""
    group: str = ""
    multi_factor_amr: tuple[Text, ...] = ("mfa",)
    multi_factor_acr: tuple[Text, ...] = ()

    @property
    def secret(self) -> str:
        """The secret by which the console proves its identity to the provider. Raises OSError, and ValueError
        where others may read the file.
        """
        file = self.client_secret_file
        if open_to_others(file):
            raise ValueError(f"{file} may be read by others: chmod 600")
        return file.read_text(encoding="utf-8").strip()


def provider(settings: Settings) -> Provider | None:
    """Return the provider that PLATESTREAM_OIDC_FILE describes, if any; a relative path is from that file's
    folder.

    Raises RefusedError that names the field, and OSError.
    """
    file = settings.oidc_file
    if file is None:
        return None
    try:
        fields = read_toml(text_of(file))
        if isinstance(secret := fields.get("client_secret_file"), str):
            fields["client_secret_file"] = file.absolute().parent / secret
        found = msgspec.convert(fields, Provider)
        _check(found)
    except ValueError as error:  # faults of TOML, of a field, or of the encoding
        raise RefusedError("oidc", f"{file}: {error}") from None
    return found


def _check(found: Provider) -> None:
    parts = urlsplit(found.issuer)
    plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or not (plain or parts.scheme == "https"):
        raise ValueError("`issuer` must start with https://")
    if "openid" not in found.scope.split():
        raise ValueError("`scope` must hold openid")
    if bool(found.group_claim) != bool(found.group):
        raise ValueError("`group_claim` and `group` belong together")
    if not found.secret:
        raise ValueError(f"{found.client_secret_file} is empty")
