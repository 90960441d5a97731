"""`oidc-provider` from npm, a certified OpenID provider, and a person who fills in its forms."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx
from joserfc.jwk import RSAKey

from tests.support.clients import packages
from tests.support.kafka_broker import free_port

BACK = "/sign-in/oidc/back"
CONSOLE = "https://localhost"
CLIENT, OTHER = "platestream", "elsewhere"
SECRET = "what the console and the provider share"
GROUP = "alpr"
PEOPLE = {
    "vale": {"preferred_username": "vale", "groups": ["patrol", GROUP]},
    "maier": {"preferred_username": "maier", "groups": ["records"]},
    "nameless": {"groups": [GROUP]},
}


@dataclass
class Provider:
    """One that runs, and the key that it signs with."""

    issuer: str
    key: RSAKey
    folder: Path

    def file(self, **changes: Any) -> Path:
        """The console's file for it."""
        secret = self.folder / "secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        fields = {
            "issuer": self.issuer,
            "client_id": CLIENT,
            "client_secret_file": "secret",
            "name": "St. Johns & Co",
            "group_claim": "groups",
            "group": GROUP,
            **changes,
        }
        made = self.folder / f"oidc-{uuid4().hex}.toml"  # a process reads a file once
        made.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in fields.items() if value))
        return made


@contextmanager
def started(folder: Path, *, thin: bool = True, console: str = CONSOLE) -> Iterator[Provider]:
    """With `thin` only its userinfo tells the claims of a person. Raises ClientUnavailableError."""
    node, packaged = packages("oidc")
    port, key = free_port(), RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
    fields = {
        "port": port,
        "thin": thin,
        "keys": [key.as_dict(private=True)],
        "people": PEOPLE,
        "clients": [
            {"client_id": name, "client_secret": SECRET, "redirect_uris": [console + BACK]}
            for name in (CLIENT, OTHER)
        ],
    }
    with (folder / "provider.log").open("w") as said:
        process = subprocess.Popen(
            [node, "provider.mjs"],
            cwd=packaged,
            env={**os.environ, "PLATESTREAM_TEST_PROVIDER": json.dumps(fields)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        for _try in range(300):
            if "listening" in (folder / "provider.log").read_text():
                break
            assert process.poll() is None, (folder / "provider.log").read_text()
            time.sleep(0.1)
        yield Provider(f"http://127.0.0.1:{port}", key, folder)
    finally:
        process.terminate()
        process.wait(10)


def through(address: str, who: str) -> str:
    """The address that the provider sends `who` back to, once its forms are filled in."""
    with httpx.Client() as browser:
        answer = browser.get(address)
        for _step in range(12):
            if answer.is_redirect:
                address = urljoin(str(answer.url), answer.headers["location"])
                if BACK in address:
                    return address
                answer = browser.get(address)
            else:
                action, result = _form(answer, who)
                answer = browser.post(action, data=result)
    raise AssertionError(f"{answer.status_code}: {answer.text[:2000]}")


def _form(answer: httpx.Response, who: str) -> tuple[str, dict[str, str]]:
    """Where its form goes, and what a person sends with it."""
    action = re.findall(r'<form[^>]*action="([^"]+)"', answer.text)
    assert action, f"{answer.status_code}: {answer.text[:2000]}"
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text)
    fields = {**dict(hidden), **({"login": who, "password": "any"} if 'name="login"' in answer.text else {})}
    return urljoin(str(answer.url), unescape(action[0])), fields
