"""The console from outside, over its published port: what somebody with a browser sees."""

import html
import re
import ssl
import time
from collections.abc import Callable

import httpx

from tests.containers.looks import hold
from tests.containers.stack import RUN

PORT = 8443
ADDRESS = f"https://localhost:{PORT}"
"""For which deploy/make_secrets.py makes the certificate where nobody names another."""


def browser() -> httpx.Client:
    """Trusts the certificate of the run and no other."""
    trusted = ssl.create_default_context(cafile=RUN / "deploy" / "secrets" / "console_certificate")
    return httpx.Client(base_url=ADDRESS, verify=trusted, follow_redirects=True, timeout=60)


def sees_hit(link: str, who: str, password: str, plate: str) -> None:
    """A notice's link asks to sign in, and then shows the hit with both of its pictures."""
    with browser() as person:
        asked = person.get(link)
        hold(asked.url.path == "/sign-in", f"{link} shows {asked.url.path} to somebody unknown")
        signing = {"who": who, "password": password, "next": httpx.URL(link).path}
        shown = person.post("/sign-in", data=signing)
        hold(shown.is_success and plate in shown.text, f"{shown.status_code} at {shown.url}: {shown.text}")
        hold(str(shown.url) == link, f"after signing in it shows {shown.url}, not {link}")
        links = re.findall(r'src="(/pictures/[^"]+)"', shown.text)
        pictures = [person.get(html.unescape(one)) for one in links]
        kinds = [(one.status_code, one.content[:3]) for one in pictures]
        hold(kinds == [(200, b"\xff\xd8\xff")] * 2, f"the pictures are {kinds}")


def sees_hit_come(who: str, password: str, plate: str, send: Callable[[], None]) -> None:
    """Somebody on shift sees the hit of what is sent meanwhile come into the open page by itself."""
    with browser() as person:
        signed = person.post("/sign-in", data={"who": who, "password": password, "next": "/hits"})
        page = person.post("/shift/begin", data={"csrf": _proof(signed), "hours": "4"})
        (after,) = re.findall(r'data-after="(\d+)"', page.text)
        with person.stream("GET", f"/hits/live?after={after}") as events:
            hold(events.is_success, f"new hits are answered with {events.status_code}")
            send()
            end = time.monotonic() + 120
            came = next((line for line in events.iter_lines() if plate in line or time.monotonic() > end), "")
            hold(plate in came, "no new hit comes")
        page = person.get("/hits")
        person.post("/shift/end", data={"csrf": _proof(page)})


def _proof(page: httpx.Response) -> str:
    """What a form of this page proves that it is of the console with."""
    proofs: list[str] = re.findall(r'name="csrf" value="([^"]+)"', page.text)
    return proofs[0]


def refuses(who: str, password: str) -> None:
    """This password lets nobody in."""
    with browser() as person:
        status = person.post("/sign-in", data={"who": who, "password": password}).status_code
        hold(status == httpx.codes.UNAUTHORIZED, f"a wrong password is answered with {status}")


def speaks_tls_only() -> None:
    """Without TLS there is no answer, and whoever trusts other certificates is not connected."""
    for address, trust in ((ADDRESS.replace("https:", "http:"), False), (ADDRESS, True)):
        try:
            httpx.get(f"{address}/health", verify=trust, timeout=10)
        except httpx.TransportError:
            continue
        hold(False, f"{address} answers {'an unknown certificate' if trust else 'without TLS'}")
