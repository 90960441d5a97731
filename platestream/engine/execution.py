"""Execution of a plan for one client: results are streamed, and a client that disconnects ends its query.

An INSERT or other change is not ended by that: once begun, it succeeds or fails as a whole.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TypeVar

from starlette.types import Receive, Send

from platestream.engine import compression
from platestream.engine.errors import EngineError
from platestream.engine.plan import Plan, killed_query_id
from platestream.engine.requests import QueryRequest
from platestream.engine.responses import Headers, ResponseHead
from platestream.engine.runner import Runner, Summary
from platestream.engine.running_queries import Job, RunningQueries
from platestream.engine.sessions import Session
from platestream.engine.statement_log import StatementLog
from platestream.engine.statements import Kind

PIPE_SIZE = 1 << 20  # bytes; the most that an unprivileged process may ask for
PIECE = 1 << 20
T = TypeVar("T")

FIRST_BYTES = 1 << 20  # bytes buffered, so that an error in a small result gets its own status
RETRY_SECONDS = 0.5  # seconds


@dataclass(frozen=True)
class Client:
    """The connection of one request."""

    request: QueryRequest
    receive: Receive
    send: Send
    head: ResponseHead


class IncompleteResultError(Exception):
    """Results ended early. The connection closes without the end that HTTP requires.

    Clients notice the error by that.
    """


class Output:
    """A pipe: `path` for the engine, `pieces` for the client; either side may end first."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        with suppress(OSError):  # this user's pipes are at their limit; the default size is enough
            fcntl.fcntl(self._write, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._transport: asyncio.ReadTransport | None = None
        self._reader = asyncio.StreamReader(limit=PIECE)

    async def __aenter__(self) -> "Output":
        protocol = asyncio.StreamReaderProtocol(self._reader)
        pipe = os.fdopen(self._read, "rb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading. Further output of the engine is discarded."""
        if self._transport is not None:
            self._transport.close()

    @property
    def path(self) -> str:
        return f"/proc/self/fd/{self._write}"

    def finish(self) -> None:
        """Close the write side. Called once, by the thread that ran the statement."""
        os.close(self._write)

    async def begin(self, size: int | None) -> tuple[bytes, bool]:
        """Return the first `size` bytes (None: all) or all there are, and whether that is the end."""
        pieces: list[bytes] = []
        got = 0
        while size is None or got < size:
            piece = await self._reader.read(PIECE)
            if not piece:
                return b"".join(pieces), True
            pieces.append(piece)
            got += len(piece)
        return b"".join(pieces), False

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the rest after `begin`, to the end."""
        while piece := await self._reader.read(PIECE):
            yield piece


class PlanRunner:
    """Runner of plans in threads; `seconds` is the longest that one may take."""

    def __init__(
        self, runner: Runner, log: StatementLog, threads: ThreadPoolExecutor, seconds: float
    ) -> None:
        self._runner, self._log = runner, log
        self._threads = threads
        self._seconds = seconds
        self._running = RunningQueries(runner.cancel)

    async def thread(self, call: Callable[[], T]) -> T:
        """Run `call()` in a thread and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def run(self, made: Plan, session: Session, client: Client) -> None:
        """Run a plan and send the response. Raises EngineError if nothing was sent yet."""
        if made.statement.kind is Kind.KILL:
            await self._kill(made, client)
            return
        with self._running.job(made.work) as job:
            end = asyncio.get_running_loop().call_later(self._seconds, self._time_out, job)
            try:
                if made.reads:
                    await self._read(made, job, client)
                else:
                    await self._change(made, job, session, client)
            finally:
                end.cancel()

    async def _change(self, made: Plan, job: Job, session: Session, client: Client) -> None:
        work = asyncio.ensure_future(self.thread(lambda: self._run_logged(made.sql(), made, job)))
        try:
            summary = await asyncio.shield(work)
        finally:
            await asyncio.wait([work])
        if made.statement.kind is Kind.SESSION:
            session.remember(made.statement.text)
        await send_response(client.send, 200, client.head.head(summary, {"Content-Length": "0"}), b"")

    async def _read(self, made: Plan, job: Job, client: Client) -> None:
        answer = client.head
        answer.format = made.format
        answer.encoding = "" if client.request.compress else client.request.encoding
        async with Output() as output:
            loop = asyncio.get_running_loop()
            job.on_stop = partial(loop.call_soon_threadsafe, output.close)
            sql = made.sql(output.path, answer.encoding)
            work = asyncio.ensure_future(self.thread(lambda: self._run_into(output, sql, made, job)))
            left = asyncio.ensure_future(wait_for_disconnect(client.receive))
            relay = asyncio.ensure_future(self._relay(output, work, client))
            try:
                await asyncio.wait([relay, left], return_when=asyncio.FIRST_COMPLETED)
                if relay.done():
                    relay.result()
            finally:
                relay.cancel()
                left.cancel()
                while not work.done():  # repeated in case the engine had not begun at the first attempt
                    await self.thread(lambda: self._running.abandon(job))
                    await asyncio.wait([work], timeout=RETRY_SECONDS)
                work.exception()  # already sent to the client, or there is none

    async def _relay(self, output: Output, work: "asyncio.Future[Summary]", client: Client) -> None:
        first, ended = await output.begin(None if client.request.wait_end else FIRST_BYTES)
        packed: Callable[[bytes], bytes] = compression.encode_blocks if client.request.compress else bytes
        if ended:
            summary = await work  # raises an error while a status can still be sent
            data = packed(first)
            head = client.head.head(summary, {"Content-Length": str(len(data))})
            await send_response(client.send, 200, head, data)
            return
        await client.send(
            {"type": "http.response.start", "status": 200, "headers": client.head.head(Summary())}
        )
        await _send_piece(client.send, packed(first))
        async for piece in output.pieces():
            await _send_piece(client.send, packed(piece))
        try:
            await work
        except EngineError as error:
            await _send_piece(client.send, packed(client.head.late_failure(error)))
            raise IncompleteResultError from None
        await client.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _kill(self, made: Plan, client: Client) -> None:
        job = self._running.find(killed_query_id(made.statement), made.work.account, owner=made.owner)
        text = ""
        if job is not None:
            await self.thread(lambda: self._running.kill(job))
            text = f"waiting\t{job.work.query_id}\t{job.work.account}\n"
        client.head.format = "TabSeparated"
        await send_response(client.send, 200, client.head.head(Summary()), text.encode())

    def _run_into(self, output: Output, sql: str, made: Plan, job: Job) -> Summary:
        try:
            return self._run_logged(sql, made, job)
        finally:
            output.finish()

    def _run_logged(self, sql: str, made: Plan, job: Job) -> Summary:
        try:
            with self._log.logged(made) as done:
                summary = self._runner.run(made.work, sql)
                done(summary)
                return summary
        except EngineError:
            if job.stopped is not None:
                raise job.stopped from None
            raise

    def _time_out(self, job: Job) -> None:
        self._threads.submit(self._running.time_out, job, self._seconds)


async def send_response(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a complete response."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_piece(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has disconnected. Call it after the body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass
