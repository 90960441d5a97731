"""The cookie of a session: the browser sends it here alone, over TLS, and no script reads it."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

COOKIE = "__Host-platestream"
"""Browsers take a name with this beginning only with `Secure`, from this host, for all of its paths."""
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
