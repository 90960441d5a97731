"""A person at the console through a soak: an open page of hits, and looks on record."""

import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

CSRF = 'name="csrf" value="'
UNAUTHORIZED = 401
HIT = re.compile(r'href="(/hits/[0-9a-f]{8}-[0-9a-f-]{27})"')
SEARCHED = "KTA1*"


@dataclass
class Officer:
    """Signs in once; `every` seconds one search, the list of hits, and a hit with its pictures.

    `acts` counts rounds that were answered, `heard` hits that came into the open page, `failed` what failed.
    """

    port: int
    who: str
    password: str
    every: float
    acts: int = 0
    heard: int = 0
    failed: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until `over`."""
        base = f"http://localhost:{self.port}"
        fields = {"who": self.who, "password": self.password, "next": "/"}
        answer = httpx.post(f"{base}/sign-in", data=fields, timeout=60)
        # The cookie is for TLS, or for a browser's localhost; httpx sends it by neither rule.
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items())}
        with httpx.Client(base_url=base, headers=headers, timeout=60) as browser:
            fields = {"csrf": _csrf(browser.get("/hits").text), "hours": "8"}
            begun = browser.post("/shift/begin", data=fields)
            if begun.is_error:
                self.failed.append(f"the shift did not begin: {begun.status_code}")
            threading.Thread(target=self._listen, args=(base, headers), daemon=True).start()
            while not self.over.is_set():
                due = time.monotonic() + self.every
                try:
                    self._act(browser)
                    self.acts += 1
                except (httpx.HTTPError, ValueError) as error:
                    self.failed.append(f"{type(error).__name__}: {error}")
                self.over.wait(max(0.0, due - time.monotonic()))

    def _act(self, browser: httpx.Client) -> None:
        proof = _csrf(browser.get("/search").text)
        fields = {"csrf": proof, "way": "search", "plate": SEARCHED, "case_number": "26-001234"}
        browser.post("/search", data=fields).raise_for_status()
        listed = browser.get("/hits").raise_for_status().text
        hit = HIT.search(listed)
        if hit is None:
            return
        page = browser.get(hit[1]).raise_for_status().text
        for part in page.split('src="/pictures/')[1:]:
            path = part.partition('"')[0].replace("&amp;", "&")
            browser.get(f"/pictures/{path}").raise_for_status()

    def _listen(self, base: str, headers: dict[str, str]) -> None:
        """As a browser's EventSource: what ends is asked for again, behind what came. As long as the process
        lives, for the last hits come behind the last round.
        """
        after = "0"
        while True:
            fields = {**headers, "last-event-id": after}
            with (
                suppress(httpx.HTTPError),  # the system ended, or begins
                httpx.stream("GET", f"{base}/hits/live", headers=fields, timeout=None) as answer,
            ):
                if answer.status_code == UNAUTHORIZED:
                    self.failed.append("the open page was signed out")
                    return
                for line in answer.iter_lines():
                    if line.startswith("id: "):
                        after = line.removeprefix("id: ")
                        self.heard += 1
            time.sleep(3)


def _csrf(page: str) -> str:
    proof = page.partition(CSRF)[2].partition('"')[0]
    if not proof:
        raise ValueError("a page without its form: not signed in")
    return proof
