"""Sign-in by OpenID Connect: the authorization code flow with PKCE, `state` and `nonce`.

The provider identifies a person: one claim holds their name in the registry. Their roles come from the
registry, as with a password. A group of the provider can be required, but it adds no permission.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
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

from platestream.access.openid import Provider
from platestream.schemas.loopback import is_loopback
from platestream.web import cookies, signin
from platestream.web.attempts import record_refusal
from platestream.web.sessions import PROVIDER
from platestream.web.shared_state import SharedState, hashed

if TYPE_CHECKING:
    from platestream.web.console import Console

log = logging.getLogger(__name__)

BACK = "/sign-in/oidc/back"
LIVES = timedelta(minutes=10)
"""Time limit for a person at the provider's pages."""
_KIND = "sign-in"
TIMEOUT_S = 5.0
THREADS = 4
"""Of their own, so that a provider that is away holds up nobody's pages."""
SIGNED_BY = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
)
"""Signatures by a key that the issuer alone has: neither `none` nor a secret that is shared."""


class NotSignedInError(Exception):
    """Failed sign-in: `message` is for the person, `why` for the log; neither holds a token or a code."""

    def __init__(self, status: int, message: str, why: str) -> None:
        super().__init__(why)
        self.status, self.message = status, message


class Identity(NamedTuple):
    """The person whom the provider named, whether by two factors, and when if the provider said so."""

    who: str
    several_factors: bool
    at: datetime | None


class PendingSignIn(NamedTuple):
    """Sign-in in progress: its browser, the secrets that prove its answer, and the page that it leads to."""

    browser: bytes
    until: datetime
    nonce: str
    verifier: str
    back: str
    where: str


class _Client(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]  # Authlib has no types
    """Authlib client that reads the provider's metadata and keys when they are needed."""

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


class SignInFlow:
    """Sign-ins in progress with one provider, begun at any console. Thread-safe."""

    def __init__(self, provider: Provider, state: SharedState) -> None:
        self.provider, self.threads = provider, CapacityLimiter(THREADS)
        self._client = _Client(provider)
        self._state = state

    def begin(self, browser: str, back: str, where: str, now: datetime, *, again: bool = False) -> str:
        """Begin a sign-in that returns to `back`, and return the provider's address. `again` has the provider
        ask a person whom it knows. Raises NotSignedInError.
        """
        wanted = {"prompt": "login", "max_age": "0"} if again else {}
        if self.provider.multi_factor_acr:
            wanted["acr_values"] = " ".join(self.provider.multi_factor_acr)
        made = self._call(partial(self._client.create_authorization_url, **wanted), back)
        begun = PendingSignIn(hashed(browser), now + LIVES, made["nonce"], made["code_verifier"], back, where)
        self._state.put(_KIND, made["state"], begun, begun.until, self._state.seal_of(made["state"]))
        return str(made["url"])

    def finish(self, browser: str, state: str, now: datetime) -> PendingSignIn:
        """Return the sign-in of this `state` and browser; each is valid once. Raises NotSignedInError."""
        asked = _KIND, state, PendingSignIn, now, self._state.seal_of(state)
        begun = self._state.get(*asked)
        same = begun is not None and begun.browser == hashed(browser)  # another one's answer ends nothing
        if begun is None or not same or self._state.get(*asked, take=True) is None:
            minutes = LIVES // timedelta(minutes=1)
            message = f"This sign-in began in another browser, or took over {minutes} minutes. Sign in again."
            raise NotSignedInError(400, message, "an answer to nothing that was begun in this browser")
        return begun

    def who(self, begun: PendingSignIn, answer: dict[str, str]) -> Identity:
        """Return the person from the provider's answer, by the name in the registry. Raises
        NotSignedInError.
        """
        provider = self.provider
        if answer.get("iss", provider.issuer) != provider.issuer:
            raise self._unproven("the answer is of another issuer")
        if "code" not in answer:
            why = f"the provider answered {answer.get('error', 'nothing')[:64]!r}"
            raise NotSignedInError(403, f"{provider.name} did not sign you in.", why)
        signed, claims = self._call(self._claims, begun, answer["code"])
        who = claims.get(provider.claim)
        if not isinstance(who, str) or not who.isprintable() or not 0 < len(who.strip()) <= 64:
            message = f"{provider.name} did not send your name in the registry. Tell the ALPR administrator."
            raise NotSignedInError(403, message, f"no name in the claim {provider.claim!r}")
        held = claims.get(provider.group_claim)
        if provider.group_claim and provider.group not in (held if isinstance(held, list) else [held]):
            message = f"{provider.name} does not admit your group. Ask the ALPR administrator."
            raise NotSignedInError(403, message, f"{who!r} is not in the group {provider.group!r}")
        return Identity(who.strip(), self._has_several_factors(signed), _time_of(signed))

    def _has_several_factors(self, signed: dict[str, Any]) -> bool:
        """Return whether the signed token states more than one factor; userinfo states nothing."""
        amr, acr = signed.get("amr"), signed.get("acr")
        listed = [one for one in amr if isinstance(one, str)] if isinstance(amr, list) else []
        if not set(listed).isdisjoint(self.provider.multi_factor_amr):
            return True
        return isinstance(acr, str) and acr in self.provider.multi_factor_acr

    def _claims(self, begun: PendingSignIn, code: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the checked claims of the id token, and these with those that only userinfo returns."""
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
            return dict(found), dict(found)
        more = client.userinfo(token=token)
        if more.get("sub") != found["sub"]:
            raise OAuthError("another_person")
        return dict(found), {**more, **found}

    def _call(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        """Check that the answer is the one that was requested; any other is refused."""
        try:
            return ask(*arguments)
        except HTTPError as error:
            message = f"{self.provider.name} does not answer. Try again, or sign in with a password."
            raise NotSignedInError(
                503, message, f"the provider gives no answer: {type(error).__name__}"
            ) from None
        except Exception as error:
            raise self._unproven(f"the provider's answer does not hold: {_reason(error)}") from None

    def _unproven(self, why: str) -> NotSignedInError:
        return NotSignedInError(
            403, f"The answer of {self.provider.name} does not prove your identity. Sign in again.", why
        )


def routes(console: "Console") -> Sequence[Route]:
    """Return the routes to the provider and back; none without a provider."""
    signing_in = console.openid
    if signing_in is None:
        return ()

    async def go(request: Request) -> Response:
        return await to_thread.run_sync(_go, console, signing_in, request, limiter=signing_in.threads)

    async def back(request: Request) -> Response:
        return await to_thread.run_sync(_back, console, signing_in, request, limiter=signing_in.threads)

    return Route("/sign-in/oidc", go, methods=["GET"]), Route(BACK, back, methods=["GET"])


def _go(console: "Console", signing_in: SignInFlow, request: Request) -> Response:
    where = signin.local_path(request.query_params.get("next", ""))
    browser = cookies.pending_sign_in(request) or secrets.token_urlsafe(32)
    try:
        again = "again" in request.query_params
        address = signing_in.begin(browser, _address(request), where, console.clock(), again=again)
    except NotSignedInError as error:
        return _refused(console, request, where, error)
    return cookies.set_pending_sign_in(RedirectResponse(address, cookies.DONE), browser, LIVES)


def _back(console: "Console", signing_in: SignInFlow, request: Request) -> Response:
    answer = dict(request.query_params)
    where = "/"
    try:
        begun = signing_in.finish(cookies.pending_sign_in(request), answer.get("state", ""), console.clock())
        where = begun.where
        person = signing_in.who(begun, answer)
    except NotSignedInError as error:
        return _refused(console, request, where, error)
    return signin.begin_session(
        console,
        request,
        person.who,
        where,
        way=PROVIDER,
        vouched=person.several_factors,
        proved_at=person.at,
    )


def _refused(console: "Console", request: Request, where: str, error: NotSignedInError) -> Response:
    log.warning("no sign-in by OpenID Connect: %s", error)
    record_refusal(console, request, "", PROVIDER, "the answer is not accepted")
    return signin.sign_in_page(console, where, error.message, error.status)


def _address(request: Request) -> str:
    """Return the address to which the provider redirects: https, also behind a proxy that ends TLS, except on
    this machine.
    """
    plain = request.url.scheme == "http" and is_loopback(request.url.hostname or "")
    return f"{'http' if plain else 'https'}://{request.url.netloc}{BACK}"


def _time_of(signed: dict[str, Any]) -> datetime | None:
    """Return when the person authenticated at the provider, by the signed token; None if it does not say."""
    at = signed.get("auth_time")
    if not isinstance(at, int) or isinstance(at, bool) or not 0 < at < 2**33:
        return None
    return datetime.fromtimestamp(at, UTC)


def _reason(error: Exception) -> str:
    """Return the reason of a failure, without any part of the answer except the provider's own error code."""
    match error:
        case ClaimError():
            return str(error)
        case AuthlibBaseError() | JoseError():
            return repr(str(error.error)[:64])
    return type(error).__name__
