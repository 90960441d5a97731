"""The cookies of a session, and of a sign-in that is under way elsewhere: the browser sends them here alone,
over TLS, and no script reads them.
"""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

COOKIE = "__Host-platestream"
"""Browsers take a name with this beginning only with `Secure`, from this host, for all of its paths."""
UNDER_WAY = "__Host-platestream-sign-in"
DONE = 303
"""After a form: see the page, so that loading it again sends nothing again."""


def token(request: Request) -> str:
    """What the browser sent; empty where nothing."""
    return request.cookies.get(COOKIE, "")


def signed_in(answer: Response, made: str) -> Response:
    """The same answer with the token of a session. Lax, so that a link in a notice finds it."""
    answer.set_cookie(COOKIE, made, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def signed_out(where: str) -> Response:
    """To `where`, without a session."""
    answer = RedirectResponse(where, DONE)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def under_way(request: Request) -> str:
    """What marks this browser while it signs in with a provider; empty where nothing does."""
    return request.cookies.get(UNDER_WAY, "")


def sent_away(answer: Response, made: str, lives: timedelta) -> Response:
    """The same answer with that mark. Lax, so that the way back from the provider's site brings it."""
    seconds = int(lives.total_seconds())
    answer.set_cookie(UNDER_WAY, made, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")
    return answer
