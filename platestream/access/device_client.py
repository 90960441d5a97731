"""Client of the console's sign-in for command lines (RFC 8628)."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from platestream.runtime.sign_in_file import SignIn
from platestream.schemas.loopback import is_loopback
from platestream.schemas.message import RefusedError

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
TIMEOUT_S = 10.0
SLOWER_S = 5
DENIED = {
    "access_denied": "it was denied in the console",
    "expired_token": "nobody confirmed the code in time: sign in again",
}


class DeviceClient:
    """The console at `address`: https, or http on this machine."""

    def __init__(self, address: str, client: httpx.Client | None = None) -> None:
        url = urlsplit(address)
        if not (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))):
            raise RefusedError("sign_in", f"{address} is not https: the token would be in clear")
        self.address = address.rstrip("/")
        self._client = client or httpx.Client(timeout=TIMEOUT_S)

    def sign_in(
        self,
        machine: str,
        command: str,
        show: Callable[[str, str], object],
        wait: Callable[[float], object] = time.sleep,
    ) -> SignIn:
        """Ask for a code, `show` its page and the code, and return the sign-in once its person confirmed it.

        Raises RefusedError if it is denied or expires, or if the console does not answer.
        """
        begun = self._post("/sign-in/device", machine=machine, command=command)
        _expect(begun, "device_code")
        show(str(begun["verification_uri_complete"]), str(begun["user_code"]))
        interval = float(begun["interval"])
        while True:
            wait(interval)
            answer = self._post(
                "/sign-in/device/token", grant_type=GRANT_TYPE, device_code=str(begun["device_code"])
            )
            problem = answer.get("error", "")
            if problem == "slow_down":
                interval += SLOWER_S
            elif problem != "authorization_pending":
                break
        _expect(answer, "access_token")
        ends_at = datetime.now(UTC) + timedelta(seconds=int(answer["expires_in"]))
        return SignIn(str(answer["who"]), str(answer["access_token"]), self.address, ends_at)

    def sign_out(self, text: str) -> None:
        """End a token. Raises RefusedError."""
        answer = self._post("/sign-out/device", token=text)
        if answer.get("active") is not False:
            raise RefusedError("sign_in", str(answer.get("error_description", "the console did not end it")))

    def _post(self, path: str, **fields: str) -> dict[str, Any]:
        try:
            answer = self._client.post(f"{self.address}{path}", data=fields)
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            name = type(error).__name__
            raise RefusedError("sign_in", f"the console at {self.address} does not answer: {name}") from None
        return found if isinstance(found, dict) else {}


def _expect(answer: dict[str, Any], name: str) -> None:
    problem = str(answer.get("error", "an unknown answer"))
    if name not in answer:
        raise RefusedError("sign_in", DENIED.get(problem, f"the console refused: {problem[:60]}"))
