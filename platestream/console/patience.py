"""A request whose body does not come is given up: its connection is for others."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STALLED = 30.0
"""Seconds in which something more of a request must come."""
WHOLE = 300.0
"""Seconds in which all of it must have come: 25 MB at 0.7 Mbit/s."""


class Patience:
    """Ends with 408 what sends nothing for `stalled` seconds, or takes more than `whole` in all."""

    def __init__(self, app: ASGIApp, stalled: float = STALLED, whole: float = WHOLE) -> None:
        self._app, self._stalled, self._whole = app, stalled, whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, self._patient(receive) if scope["type"] == "http" else receive, send)

    def _patient(self, receive: Receive) -> Receive:
        loop = asyncio.get_running_loop()
        end, complete = loop.time() + self._whole, False

        async def patient() -> Message:
            nonlocal complete
            if complete:  # what comes now is the client's going away, for which nobody is impatient
                return await receive()
            try:
                async with asyncio.timeout(min(self._stalled, end - loop.time())):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "The rest of this request did not come.") from None
            complete = not message.get("more_body", False)
            return message

        return patient
