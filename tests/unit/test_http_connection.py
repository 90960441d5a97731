"""A server of ours with eight places, and twenty who take them and ask for nothing."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from platestream.runtime.http_server import listen, server_config

PLACES, MANY = 8, 20
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
BEGUN = {
    "nothing": b"",
    "half a head": POST + b"X-",
    "half a body": POST + b"Content-Length: 9\r\n\r\nx",
    "half a body that was answered": b"POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
    "a request, and nothing more": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "answers that are not taken": b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
}


async def whole(request: Request) -> Response:
    await request.body()
    return PlainTextResponse("whole")


async def refused(_request: Request) -> Response:
    return PlainTextResponse("no", 401)


async def large(_request: Request) -> Response:
    return PlainTextResponse("x" * 20_000_000)


@pytest.fixture
def port() -> Iterator[int]:
    begun, served = asyncio.Event(), asyncio.Event()

    async def slow(_request: Request) -> Response:
        begun.set()
        await served.wait()
        return PlainTextResponse("slow")

    async def begin(_request: Request) -> Response:
        await begun.wait()
        return PlainTextResponse("begun")

    async def end(_request: Request) -> Response:
        served.set()
        return PlainTextResponse("ended")

    routes = [
        Route("/", whole, methods=["GET", "POST"]),
        Route("/refused", refused, methods=["POST"]),
        Route("/large", large),
        Route("/slow", slow),
        Route("/begin", begin, methods=["POST"]),
        Route("/end", end, methods=["POST"]),
    ]
    server = uvicorn.Server(server_config(Starlette(routes=routes), at_once=PLACES))
    with listen("127.0.0.1", 0) as own:
        thread = threading.Thread(target=server.run, args=([own],), daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive()
        yield own.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def ask(port: int, path: str) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
        client.request("POST", path, b"frame")
        return client.getresponse().read().decode()


@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN)
def test_whoever_asks_at_once_is_served_beside_many_who_keep_places(port: int, begun: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            one.sendall(begun)
            assert ask(port, "/") == "whole"


def test_whoever_is_being_served_keeps_the_place(port: int) -> None:
    with ExitStack() as stack:
        served = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        served.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        assert ask(port, "/begin") == "begun"
        for _ in range(MANY):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert ask(port, "/end") == "ended"
        served.settimeout(10)
        assert served.recv(1000).startswith(b"HTTP/1.1 200")
