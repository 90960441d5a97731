"""ClickHouse's HTTP interface over one engine: an ASGI application.

A request is signed in, takes a place (there are `queries` of them), is read, checked and run.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from connectors.engine import compression, guesses
from connectors.engine.accounts import Account, Accounts
from connectors.engine.answers import About, Answer
from connectors.engine.asked import Asked, asked
from connectors.engine.body import Body, Decoded, Decoder
from connectors.engine.errors import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    QUOTA_EXCEEDED,
    TIMEOUT,
    UNKNOWN_EXCEPTION,
    EngineError,
)
from connectors.engine.places import Places
from connectors.engine.plan import plan
from connectors.engine.runner import Runner
from connectors.engine.serving import BrokenOffError, Client, Serving, send_whole
from connectors.engine.sessions import Sessions
from connectors.engine.statement_log import StatementLog

logger = logging.getLogger(__name__)

FORM_FIELD = 64 << 20  # bytes


@dataclass(frozen=True)
class Limits:
    """`queries` run at once and `waiting` more may wait; `body` bytes decoded; `seconds` for a statement.

    `stalled`: seconds that a client may neither send its body nor take what it asked for.
    """

    queries: int = 16
    waiting: int = 64
    body: int = 512 << 20
    seconds: float = 900
    stalled: float = 60


class Server:
    """One engine and who may use it. `accounts` is asked for each request; clients are shown `name`."""

    def __init__(
        self, runner: Runner, log: StatementLog, accounts: Callable[[], Accounts], limits: Limits, name: str
    ) -> None:
        self._runner = runner
        self._accounts = accounts
        self._limits = limits
        self._about = About(runner.version, runner.timezone, name)
        # More threads than places: ending a statement must not wait for one to end.
        threads = ThreadPoolExecutor(limits.queries + 4, "engine")
        self._serving = Serving(runner, log, threads, limits.seconds)
        self._places = Places(limits.queries, limits.waiting)
        self._sessions = Sessions()
        self._guesses = guesses.Guesses()

    def application(self) -> Starlette:
        """Answers `/`, `/ping` and `/replicas_status`."""
        routes = [Route(path, _ok, methods=["GET"]) for path in ("/ping", "/replicas_status")]
        return Starlette(routes=[*routes, Route("/", _Raw(self), methods=["GET", "POST"])])

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request to `/`."""
        answer = Answer(self._about, "")
        send = _taken(send, self._limits.stalled)
        try:
            await self._answer(Request(scope, receive), receive, send, answer)
        except EngineError as error:
            await send_whole(send, *answer.failure(error))
        except ClientDisconnect:
            return
        except BrokenOffError:
            return  # without an end, upon which the connection is closed
        except Exception as error:
            logger.error("a request failed: %s", type(error).__name__)  # its text may hold what was asked
            failure = EngineError(UNKNOWN_EXCEPTION, "an error in this engine; its log says which")
            await send_whole(send, *answer.failure(failure))

    async def _answer(self, request: Request, receive: Receive, send: Send, answer: Answer) -> None:
        pairs = parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)
        get = request.method in ("GET", "HEAD")
        if get and "query" not in dict(pairs):
            await send_whole(send, 200, [(b"content-type", b"text/html; charset=UTF-8")], b"Ok.\n")
            return
        wanted = asked(pairs, request.headers)
        answer.query_id = wanted.query_id
        account = self._sign_in(wanted, request)  # before a byte of the body is read
        async with self._places.take(account.name):
            with Body(self._limits.body) as body:
                coming = Request(request.scope, _sent(receive, self._limits))
                if request.headers.get("content-type", "").startswith("multipart/form-data"):
                    wanted = asked([*pairs, *await _fields(coming)], request.headers)
                    answer.query_id = wanted.query_id
                else:
                    await _read(coming, wanted, body)
                await self._run(wanted, account, body, Client(wanted, receive, send, answer), get=get)

    def _sign_in(self, wanted: Asked, request: Request) -> Account:
        address, port = request.client or ("", 0)
        known = self._accounts()
        account = known.sign_in(wanted.user, wanted.password, address)
        if account is not None and not self._guesses:
            return account
        user = guesses.local_user((address, port), request.scope["server"][1])
        attempt = guesses.Attempt(wanted.user, address, user)
        if wait := self._guesses.wait(attempt):
            raise EngineError(
                QUOTA_EXCEEDED,
                f"too many wrong passwords for this account from {address}: wait {ceil(wait)} seconds",
            )
        if account is None:
            count = self._guesses.count(attempt)
            of = f"of account {wanted.user} " if wanted.user in known.by_name else ""
            logger.warning("a sign-in %sfrom %s was refused, number %s of late", of, address, count)
            raise EngineError(
                AUTHENTICATION_FAILED,
                "Authentication failed: no such account, wrong password, or not from here",
            )
        return account

    async def _run(self, wanted: Asked, account: Account, body: Body, client: Client, *, get: bool) -> None:
        name, seconds, must = wanted.session, wanted.session_timeout, wanted.session_check
        with self._sessions.use(account.name, name, seconds, must_exist=must) as session:
            before = tuple(session.statements)
            made = await self._serving.thread(
                lambda: plan(self._runner, wanted, account, body, before, get=get)
            )
            try:
                await self._serving.run(made, session, client)
            finally:
                if made.data is not None and made.data is not body:
                    made.data.close()


class _Raw:
    """What Starlette takes for an application and not for a function of requests."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._server.serve(scope, receive, send)


def _taken(send: Send, stalled: float) -> Send:
    """`send` that gives up on a client who takes nothing."""

    async def patient(message: Message) -> None:
        try:
            async with asyncio.timeout(stalled):
                await send(message)
        except TimeoutError:
            raise BrokenOffError from None

    return patient


def _sent(receive: Receive, limits: Limits) -> Receive:
    """`receive` that gives up on a client who sends nothing, or takes too long in all."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.seconds

    async def patient() -> Message:
        try:
            async with asyncio.timeout(min(limits.stalled, end - loop.time())):
                return await receive()
        except TimeoutError:
            raise EngineError(TIMEOUT, "the body of the request did not come") from None

    return patient


async def _ok(_: Request) -> PlainTextResponse:
    return PlainTextResponse("Ok.\n")


async def _fields(request: Request) -> list[tuple[str, str]]:
    try:
        form = await request.form(max_part_size=FORM_FIELD)
    except HTTPException:  # its text would repeat bytes of the body
        raise EngineError(BAD_ARGUMENTS, "the form cannot be read") from None
    if any(isinstance(value, UploadFile) for _, value in form.multi_items()):
        raise EngineError(
            NOT_IMPLEMENTED, "external tables are not supported here: insert the rows into a table"
        )
    return [(name, str(value)) for name, value in form.multi_items()]


async def _read(request: Request, wanted: Asked, body: Body) -> None:
    names = [part.strip() for part in request.headers.get("content-encoding", "").split(",")]
    decoders: list[Decoder] = [
        compression.Frames(name) for name in reversed(names) if name not in ("", "identity")
    ]
    if wanted.decompress:
        decoders.append(compression.Blocks())
    decoded = Decoded(body, decoders)
    async for piece in request.stream():
        if piece:
            decoded.write(piece)
    decoded.finish()
