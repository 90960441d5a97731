"""Cookies of a session, and of a sign-in in progress at a provider. The browser sends them only to this host
over TLS, and no script can read them.
"""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

COOKIE = "__Host-platestream"
"""Browsers take a name with this beginning only with `Secure`, from this host, for all of its paths."""
PENDING_SIGN_IN = "__Host-platestream-sign-in"
DEVICE = "__Host-platestream-device"
"""Marks a browser in which its person has signed in. It admits nobody."""
DEVICE_LIVES = timedelta(days=180)
DONE = 303
"""After a form: see the page, so that loading it again sends nothing again."""


def session_token(request: Request) -> str:
    """Return the token that the browser sent; empty if none."""
    return request.cookies.get(COOKIE, "")


def set_session(answer: Response, made: str) -> Response:
    """Set the token of a session on a response. SameSite=Lax, so that it is sent with a link in a
    notification.
    """
    answer.set_cookie(COOKIE, made, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def end_session(where: str) -> Response:
    """Redirect to `where`, without a session."""
    answer = RedirectResponse(where, DONE)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def pending_sign_in(request: Request) -> str:
    """Return the mark of this browser while it signs in with a provider; empty if there is none."""
    return request.cookies.get(PENDING_SIGN_IN, "")


def set_pending_sign_in(answer: Response, made: str, lives: timedelta) -> Response:
    """Set that mark on a response. SameSite=Lax, so that it is sent when the provider's site redirects
    back.
    """
    seconds = int(lives.total_seconds())
    answer.set_cookie(
        PENDING_SIGN_IN, made, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax"
    )
    return answer


def device_mark(request: Request) -> str:
    """Return the mark of a browser in which somebody has signed in before; empty if there is none."""
    return request.cookies.get(DEVICE, "")


def set_device_mark(answer: Response, made: str) -> Response:
    """Set that mark on a response."""
    seconds = int(DEVICE_LIVES.total_seconds())
    answer.set_cookie(DEVICE, made, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")
    return answer
