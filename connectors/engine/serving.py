"""Running a plan for one client: results go out while they are made, and a client that leaves ends its query.

An INSERT or other change is never ended by that: what was begun is done or refused, whoever still listens.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from starlette.types import Receive, Send

from connectors.engine import compression
from connectors.engine.answers import Answer, Headers
from connectors.engine.asked import Asked
from connectors.engine.errors import EngineError
from connectors.engine.output import Output, gone
from connectors.engine.plan import Plan, killed
from connectors.engine.runner import Runner, Summary
from connectors.engine.running import Job, Running
from connectors.engine.sessions import Session
from connectors.engine.statement_log import StatementLog
from connectors.engine.statements import Kind

T = TypeVar("T")

FIRST = 1 << 20  # bytes held back, so that an error of a small result has a status of its own
AGAIN = 0.5  # seconds


@dataclass(frozen=True)
class Client:
    """One request's connection."""

    wanted: Asked
    receive: Receive
    send: Send
    answer: Answer


class BrokenOffError(Exception):
    """Results ended amid: the connection closes without the end that HTTP has, so that clients notice."""


class Serving:
    """Runs plans in threads; `seconds` is the longest that one may take."""

    def __init__(
        self, runner: Runner, log: StatementLog, threads: ThreadPoolExecutor, seconds: float
    ) -> None:
        self._runner, self._log = runner, log
        self._threads = threads
        self._seconds = seconds
        self._running = Running(runner.cancel)

    async def thread(self, call: Callable[[], T]) -> T:
        """`call()` in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def run(self, made: Plan, session: Session, client: Client) -> None:
        """Run and answer. Raises EngineError while nothing was answered yet."""
        if made.asked.kind is Kind.KILL:
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
        work = asyncio.ensure_future(self.thread(lambda: self._ran(made.sql(), made, job)))
        try:
            summary = await asyncio.shield(work)
        finally:
            await asyncio.wait([work])
        if made.asked.kind is Kind.SESSION:
            session.remember(made.asked.text)
        await send_whole(client.send, 200, client.answer.head(summary, {"Content-Length": "0"}), b"")

    async def _read(self, made: Plan, job: Job, client: Client) -> None:
        answer = client.answer
        answer.format = made.format
        answer.encoding = "" if client.wanted.compress else client.wanted.encoding
        async with Output() as output:
            loop = asyncio.get_running_loop()
            job.let_go = partial(loop.call_soon_threadsafe, output.close)
            sql = made.sql(output.path, answer.encoding)
            work = asyncio.ensure_future(self.thread(lambda: self._into(output, sql, made, job)))
            left = asyncio.ensure_future(gone(client.receive))
            relay = asyncio.ensure_future(self._relay(output, work, client))
            try:
                await asyncio.wait([relay, left], return_when=asyncio.FIRST_COMPLETED)
                if relay.done():
                    relay.result()
            finally:
                relay.cancel()
                left.cancel()
                while not work.done():  # again where the engine had not begun when it was told to end
                    await self.thread(lambda: self._running.leave(job))
                    await asyncio.wait([work], timeout=AGAIN)
                work.exception()  # told to the client by now, or there is none

    async def _relay(self, output: Output, work: "asyncio.Future[Summary]", client: Client) -> None:
        first, ended = await output.begin(None if client.wanted.wait_end else FIRST)
        packed: Callable[[bytes], bytes] = compression.blocks if client.wanted.compress else bytes
        if ended:
            summary = await work  # raises what went wrong, while there still is a status to send
            data = packed(first)
            head = client.answer.head(summary, {"Content-Length": str(len(data))})
            await send_whole(client.send, 200, head, data)
            return
        await client.send(
            {"type": "http.response.start", "status": 200, "headers": client.answer.head(Summary())}
        )
        await _send_piece(client.send, packed(first))
        async for piece in output.pieces():
            await _send_piece(client.send, packed(piece))
        try:
            await work
        except EngineError as error:
            await _send_piece(client.send, packed(client.answer.late(error)))
            raise BrokenOffError from None
        await client.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _kill(self, made: Plan, client: Client) -> None:
        job = self._running.find(killed(made.asked), made.work.account, owner=made.owner)
        text = ""
        if job is not None:
            await self.thread(lambda: self._running.kill(job))
            text = f"waiting\t{job.work.query_id}\t{job.work.account}\n"
        client.answer.format = "TabSeparated"
        await send_whole(client.send, 200, client.answer.head(Summary()), text.encode())

    def _into(self, output: Output, sql: str, made: Plan, job: Job) -> Summary:
        try:
            return self._ran(sql, made, job)
        finally:
            output.finish()

    def _ran(self, sql: str, made: Plan, job: Job) -> Summary:
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


async def send_whole(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """An answer that is ready."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_piece(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})
