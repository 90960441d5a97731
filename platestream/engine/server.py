"""ClickHouse's HTTP interface over one engine, as an ASGI application.

A request is authenticated, takes one of the `queries` places, and is read, checked and run.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
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

from platestream.engine import client_origin, compression
from platestream.engine.accounts import Account, Accounts
from platestream.engine.body import Body, Decoder, DecodingWriter
from platestream.engine.errors import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    QUOTA_EXCEEDED,
    TIMEOUT,
    TOO_MANY_QUERIES,
    UNKNOWN_EXCEPTION,
    EngineError,
)
from platestream.engine.execution import Client, IncompleteResultError, PlanRunner, send_response
from platestream.engine.plan import make_plan
from platestream.engine.requests import QueryRequest, parse_request
from platestream.engine.responses import ResponseHead, ServerInfo
from platestream.engine.runner import Runner
from platestream.engine.sessions import Sessions
from platestream.engine.statement_log import StatementLog
from platestream.runtime.login_attempts import LoginAttempts

logger = logging.getLogger(__name__)

FORM_FIELD = 64 << 20  # bytes


@dataclass(frozen=True)
class Limits:
    """`queries` run at once and `waiting` more may wait; `body` bytes decoded; `seconds` for a statement.

    `stalled`: seconds for which a client may neither send its body nor read the response.
    """

    queries: int = 16
    waiting: int = 64
    body: int = 512 << 20
    seconds: float = 900
    stalled: float = 60


class Server:
    """One engine and its accounts. `accounts` is called for each request; clients see `name`."""

    def __init__(
        self, runner: Runner, log: StatementLog, accounts: Callable[[], Accounts], limits: Limits, name: str
    ) -> None:
        self._runner = runner
        self._accounts = accounts
        self._limits = limits
        self._about = ServerInfo(runner.version, runner.timezone, name)
        # More threads than places, because stopping a statement must not wait for another to end.
        threads = ThreadPoolExecutor(limits.queries + 4, "engine")
        self._serving = PlanRunner(runner, log, threads, limits.seconds)
        self._places = AdmissionLimits(limits.queries, limits.waiting)
        self._sessions = Sessions()
        # From the sixth wrong password: some 60 an hour. Forgotten a quarter of an hour after the last one.
        self._attempts = LoginAttempts[client_origin.Attempt](first=1.0, longest=64.0, memory=900.0)

    def application(self) -> Starlette:
        """Return the application for `/`, `/ping` and `/replicas_status`."""
        routes = [Route(path, _ping, methods=["GET"]) for path in ("/ping", "/replicas_status")]
        return Starlette(routes=[*routes, Route("/", _Raw(self), methods=["GET", "POST"])])

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request to `/`."""
        answer = ResponseHead(self._about, "")
        send = _with_send_timeout(send, self._limits.stalled)
        try:
            await self._answer(Request(scope, receive), receive, send, answer)
        except EngineError as error:
            await send_response(send, *answer.failure(error))
        except ClientDisconnect:
            return
        except IncompleteResultError:
            return  # without an end, so the connection is closed
        except Exception as error:
            logger.error("a request failed: %s", type(error).__name__)  # its text may contain the query
            failure = EngineError(UNKNOWN_EXCEPTION, "an error in this engine; its log says which")
            await send_response(send, *answer.failure(failure))

    async def _answer(self, request: Request, receive: Receive, send: Send, answer: ResponseHead) -> None:
        pairs = parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)
        get = request.method in ("GET", "HEAD")
        if get and "query" not in dict(pairs):
            await send_response(send, 200, [(b"content-type", b"text/html; charset=UTF-8")], b"Ok.\n")
            return
        wanted = parse_request(pairs, request.headers)
        answer.query_id = wanted.query_id
        account = self._sign_in(wanted, request)  # before a byte of the body is read
        async with self._places.take(account.name):
            with Body(self._limits.body) as body:
                coming = Request(request.scope, _with_receive_timeout(receive, self._limits))
                if request.headers.get("content-type", "").startswith("multipart/form-data"):
                    wanted = parse_request([*pairs, *await _fields(coming)], request.headers)
                    answer.query_id = wanted.query_id
                else:
                    await _read(coming, wanted, body)
                await self._run(wanted, account, body, Client(wanted, receive, send, answer), get=get)

    def _sign_in(self, wanted: QueryRequest, request: Request) -> Account:
        address, port = request.client or ("", 0)
        known = self._accounts()
        account = known.sign_in(wanted.user, wanted.password, address)
        if account is not None and not self._attempts:
            return account
        user = client_origin.local_user((address, port), request.scope["server"][1])
        attempt = client_origin.Attempt(wanted.user, address, user)
        if wait := self._attempts.retry_after(attempt):
            raise EngineError(
                QUOTA_EXCEEDED,
                f"too many wrong passwords for this account from {address}: wait {ceil(wait)} seconds",
            )
        refused = EngineError(
            AUTHENTICATION_FAILED, "Authentication failed: no such account, wrong password, or not from here"
        )
        if account is None:
            if known.was_password(wanted.user, wanted.password, address):
                raise refused  # of a process that did not read the new one yet, and no guess
            count = self._attempts.record_failure(attempt, wanted.password)
            of = f"of account {wanted.user} " if wanted.user in known.by_name else ""
            logger.warning("a sign-in %sfrom %s was refused, number %s of late", of, address, count)
            raise refused
        return account

    async def _run(
        self, wanted: QueryRequest, account: Account, body: Body, client: Client, *, get: bool
    ) -> None:
        name, seconds, must = wanted.session, wanted.session_timeout, wanted.session_check
        with self._sessions.use(account.name, name, seconds, must_exist=must) as session:
            before = tuple(session.statements)
            made = await self._serving.thread(
                lambda: make_plan(self._runner, wanted, account, body, before, get=get)
            )
            try:
                await self._serving.run(made, session, client)
            finally:
                if made.data is not None and made.data is not body:
                    made.data.close()


class _Raw:
    """ASGI application class. Starlette would take a function for an endpoint of requests."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._server.serve(scope, receive, send)


def _with_send_timeout(send: Send, stalled: float) -> Send:
    """Return `send` with a timeout for a client that reads nothing."""

    async def patient(message: Message) -> None:
        try:
            async with asyncio.timeout(stalled):
                await send(message)
        except TimeoutError:
            raise IncompleteResultError from None

    return patient


def _with_receive_timeout(receive: Receive, limits: Limits) -> Receive:
    """Return `receive` with a timeout for a client that sends nothing, or takes too long in total."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.seconds

    async def patient() -> Message:
        try:
            async with asyncio.timeout(min(limits.stalled, end - loop.time())):
                return await receive()
        except TimeoutError:
            raise EngineError(TIMEOUT, "the body of the request did not come") from None

    return patient


async def _ping(_: Request) -> PlainTextResponse:
    return PlainTextResponse("Ok.\n")


async def _fields(request: Request) -> list[tuple[str, str]]:
    try:
        form = await request.form(max_part_size=FORM_FIELD)
    except HTTPException:  # its text contains bytes of the body
        raise EngineError(BAD_ARGUMENTS, "the form cannot be read") from None
    if any(isinstance(value, UploadFile) for _, value in form.multi_items()):
        raise EngineError(
            NOT_IMPLEMENTED, "external tables are not supported here: insert the rows into a table"
        )
    return [(name, str(value)) for name, value in form.multi_items()]


async def _read(request: Request, wanted: QueryRequest, body: Body) -> None:
    names = [part.strip() for part in request.headers.get("content-encoding", "").split(",")]
    decoders: list[Decoder] = [
        compression.FrameDecoder(name) for name in reversed(names) if name not in ("", "identity")
    ]
    if wanted.decompress:
        decoders.append(compression.BlockDecoder())
    decoded = DecodingWriter(body, decoders)
    async for piece in request.stream():
        if piece:
            decoded.write(piece)
    decoded.finish()


class AdmissionLimits:
    """`queries` run at once and `waiting` more may wait, half of each for one account. For one event loop."""

    def __init__(self, queries: int, waiting: int) -> None:
        own = max(1, queries // 2)
        self._all = asyncio.Semaphore(queries)
        self._own: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(own))
        self._most = queries + waiting
        self._most_own = own + waiting // 2
        self._here: Counter[str] = Counter()

    @asynccontextmanager
    async def take(self, account: str) -> AsyncIterator[None]:
        """Hold a place for one statement of `account`. Raises EngineError if too many wait."""
        if self._here[account] >= self._most_own or self._here.total() >= self._most:
            raise EngineError(
                TOO_MANY_QUERIES,
                f"{self._here[account]} requests of this account and {self._here.total()} in all run or wait"
                " here; ask again in a while",
            )
        self._here[account] += 1
        try:
            async with self._own[account], self._all:
                yield
        finally:
            self._here[account] -= 1
