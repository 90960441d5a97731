"""Signing in by OpenID Connect: the authorisation code flow with PKCE, `state` and `nonce`.

The provider says who a person is: one claim holds their name in the registry. What they may do is the
registry's, as with a password; a group that the provider tells of can keep people out, and lets
nobody do more.
"""

import hashlib
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from anyio import CapacityLimiter, to_thread
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.httpx_client import OAuth2Client
from httpx2 import HTTPError
from joserfc.errors import ClaimError, JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platestream.console import cookies, signin
from services.openid import HERE, Provider

if TYPE_CHECKING:
    from platestream.console.app import Console

log = logging.getLogger(__name__)

BACK = "/sign-in/oidc/back"
LIVES = timedelta(minutes=10)
"""How long a person may take at the provider's pages."""
MOST = 10_000
TIMEOUT_S = 5.0
THREADS = 4
"""Of their own, so that a provider that is away holds up nobody's pages."""
SIGNED_BY = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
)
"""Signatures by a key that the issuer alone has: neither `none` nor a secret that is shared."""


class NotSignedInError(Exception):
    """`said` is for the person, `why` for the log; neither holds a token or a code."""

    def __init__(self, status: int, said: str, why: str) -> None:
        super().__init__(why)
        self.status, self.said = status, said


class UnderWay(NamedTuple):
    """A sign-in that was begun: in which browser, what proves that its answer is ours, and where it leads."""

    browser: bytes
    until: datetime
    nonce: str
    verifier: str
    back: str
    where: str


class _Client(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]  # Authlib has no types
    """Authlib's, which reads the provider's metadata and keys when they are needed."""

    client_cls = OAuth2Client

    def __init__(self, provider: Provider) -> None:
        super().__init__(
            None,
            client_id=provider.client_id,
            client_secret=provider.secret,
            client_kwargs={
                "scope": provider.scope,
                "code_challenge_method": "S256",
                "timeout": TIMEOUT_S,
            },
            server_metadata_url=provider.issuer.rstrip("/") + "/.well-known/openid-configuration",
        )
        self._issuer = provider.issuer

    def load_server_metadata(self) -> Any:
        found = super().load_server_metadata()
        if found.get("issuer") != self._issuer:
            self.server_metadata.clear()
            raise OAuthError("another_issuer")
        named = found.get("id_token_signing_alg_values_supported", ["RS256"])
        return {**found, "id_token_signing_alg_values_supported": [one for one in named if one in SIGNED_BY]}


class SigningIn:
    """Sign-ins that are under way with one provider. Safe for several threads."""

    def __init__(self, provider: Provider) -> None:
        self.provider, self.threads = provider, CapacityLimiter(THREADS)
        self._client = _Client(provider)
        self._under_way: OrderedDict[str, UnderWay] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, browser: str, back: str, where: str, now: datetime) -> str:
        """The provider's address for a sign-in that comes back to `back`. Raises NotSignedInError."""
        made = self._asked(self._client.create_authorization_url, back)
        begun = UnderWay(_hash(browser), now + LIVES, made["nonce"], made["code_verifier"], back, where)
        with self._lock:
            self._under_way[made["state"]] = begun
            while len(self._under_way) > MOST:
                self._under_way.popitem(last=False)
        return str(made["url"])

    def ended(self, browser: str, state: str, now: datetime) -> UnderWay:
        """What was begun with this `state` in this browser; it counts once. Raises NotSignedInError."""
        with self._lock:
            begun = self._under_way.get(state)
            if begun is None or begun.browser != _hash(browser) or begun.until <= now:
                minutes = LIVES // timedelta(minutes=1)
                said = f"This sign-in began in another browser, or took over {minutes} minutes. Begin again."
                raise NotSignedInError(400, said, "an answer to nothing that was begun in this browser")
            del self._under_way[state]
            return begun

    def who(self, begun: UnderWay, told: dict[str, str]) -> str:
        """The person's name in the registry, by the provider's answer. Raises NotSignedInError."""
        provider = self.provider
        if told.get("iss", provider.issuer) != provider.issuer:
            raise self._unproven("the answer is of another issuer")
        if "code" not in told:
            why = f"the provider answered {told.get('error', 'nothing')[:64]!r}"
            raise NotSignedInError(403, f"{provider.name} did not sign you in.", why)
        claims = self._asked(self._claims, begun, told["code"])
        who = claims.get(provider.claim)
        if not isinstance(who, str) or not who.isprintable() or not 0 < len(who.strip()) <= 64:
            said = f"{provider.name} does not say who you are in the registry. Tell the ALPR administrator."
            raise NotSignedInError(403, said, f"no name in the claim {provider.claim!r}")
        held = claims.get(provider.group_claim)
        if provider.group_claim and provider.group not in (held if isinstance(held, list) else [held]):
            said = f"{provider.name} does not let your group in here. Ask the ALPR administrator."
            raise NotSignedInError(403, said, f"{who!r} is not in the group {provider.group!r}")
        return who.strip()

    def _claims(self, begun: UnderWay, code: str) -> dict[str, Any]:
        """The claims of the id token, checked, and those that are told only when asked for (userinfo)."""
        provider, client = self.provider, self._client
        token = client.fetch_access_token(begun.back, code=code, code_verifier=begun.verifier)
        must = {
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": provider.client_id},
        }
        found = client.parse_id_token(token, begun.nonce, claims_options=must)
        if found is None:
            raise OAuthError("no_id_token")
        wanted = {provider.claim, provider.group_claim} - {""}
        if wanted <= found.keys() or "userinfo_endpoint" not in client.load_server_metadata():
            return dict(found)
        more = client.userinfo(token=token)
        if more.get("sub") != found["sub"]:
            raise OAuthError("another_person")
        return {**more, **found}

    def _asked(self, ask: Callable[..., Any], *told: Any) -> Any:
        """What the provider was asked for; whatever else it answers signs nobody in."""
        try:
            return ask(*told)
        except HTTPError as error:
            said = f"{self.provider.name} gives no answer. Try again, or sign in with a password."
            raise NotSignedInError(
                503, said, f"the provider gives no answer: {type(error).__name__}"
            ) from None
        except Exception as error:
            raise self._unproven(f"the provider's answer does not hold: {_reason(error)}") from None

    def _unproven(self, why: str) -> NotSignedInError:
        return NotSignedInError(
            403, f"The answer of {self.provider.name} does not prove who you are. Begin again.", why
        )


def routes(console: "Console") -> Sequence[Route]:
    """The way to the provider, and back; none where there is no provider."""
    signing_in = console.openid
    if signing_in is None:
        return ()

    async def go(request: Request) -> Response:
        return await to_thread.run_sync(_go, console, signing_in, request, limiter=signing_in.threads)

    async def back(request: Request) -> Response:
        return await to_thread.run_sync(_back, console, signing_in, request, limiter=signing_in.threads)

    return Route("/sign-in/oidc", go, methods=["GET"]), Route(BACK, back, methods=["GET"])


def _go(console: "Console", signing_in: SigningIn, request: Request) -> Response:
    where = signin.inside(request.query_params.get("next", ""))
    browser = cookies.under_way(request) or secrets.token_urlsafe(32)
    try:
        address = signing_in.begin(browser, _address(request), where, console.clock())
    except NotSignedInError as error:
        return _refused(console, where, error)
    return cookies.sent_away(RedirectResponse(address, cookies.DONE), browser, LIVES)


def _back(console: "Console", signing_in: SigningIn, request: Request) -> Response:
    told = dict(request.query_params)
    where = "/"
    try:
        begun = signing_in.ended(cookies.under_way(request), told.get("state", ""), console.clock())
        where = begun.where
        who = signing_in.who(begun, told)
    except NotSignedInError as error:
        return _refused(console, where, error)
    return signin.begin(console, who, where, request.client.host if request.client else "")


def _refused(console: "Console", where: str, error: NotSignedInError) -> Response:
    log.warning("no sign-in by OpenID Connect: %s", error)
    return signin.page(console, where, error.said, error.status)


def _address(request: Request) -> str:
    """Where the provider sends people back to: https, which a proxy may have ended, but on this machine."""
    plain = request.url.scheme == "http" and request.url.hostname in HERE
    return f"{'http' if plain else 'https'}://{request.url.netloc}{BACK}"


def _reason(error: Exception) -> str:
    """What was wrong, in words that hold no part of an answer but the provider's own code for an error."""
    match error:
        case ClaimError():
            return str(error)
        case AuthlibBaseError() | JoseError():
            return repr(str(error.error)[:64])
    return type(error).__name__


def _hash(browser: str) -> bytes:
    return hashlib.sha256(browser.encode()).digest()
